/// `GET /v1/openapi.json`: the admin API as OpenAPI 3.1, for whoever writes or generates a client of it.
///
/// Written by hand, so that it can say what code cannot; tests hold it against ``Route``, against the types of this
/// module, and against what a daemon answers.
package enum OpenAPIDocument {
    /// The document, in the name of this version of the daemon.
    package static func text(version: String) -> String {
        #"""
        {
          "openapi": "3.1.0",
          "info": {
            "title": "rstreamd admin API",
            "version": "\#(version)",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "What the admin socket of rstreamd answers, HTTP/1.1 on a Unix socket: `curl \#
        --unix-socket /run/rstreamd/admin.sock http://rstreamd/v1/status`. Times are RFC 3339 in UTC, durations \#
        are seconds, counts are integers from 0 to 2^53. A field may be added by a later version and is to be ignored by \#
        whoever does not know it. Characters that a terminal would act on or not show are escaped in strings. Every \#
        `get` takes `HEAD` too. Limits: 64 KiB for a request, 64 levels and 512 combining marks in a row in its JSON, \#
        1,024 bytes for a name in a path or a parameter, 10 s for its arrival, 64 clients at once."
          },
          "servers": [{"url": "http://rstreamd", "description": "The host may be any: the socket is what counts."}],
          "tags": [
            {"name": "state", "description": "What runs."},
            {"name": "change", "description": "What an operator can do; each is logged with who did it."},
            {"name": "health", "description": "For machines that watch."}
          ],
          "paths": {
        \#(thingPaths),
        \#(daemonPaths)
          },
          "components": {
            "responses": {
        \#(responses)
            },
            "schemas": {
        \#(stateSchemas),
        \#(changeSchemas),
        \#(configurationSchemas)
            }
          }
        }

        """#
    }
}
