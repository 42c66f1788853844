extension OpenAPIDocument {
    /// The members of `components.responses`: how calls fail.
    static let responses = #"""
            "BadRequest": {
              "description": "A parameter or the body cannot be right, or this is no HTTP request (`bad_request`).",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            },
            "NotFound": {
              "description": "There is no such tunnel, session or stream (`not_found`).",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            },
            "TooLarge": {
              "description": "Headers and body are longer than 64 KiB (`too_large`).",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            },
            "UnsupportedMediaType": {
              "description": "The body is not `application/json` (`unsupported_media_type`).",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            },
            "Unavailable": {
              "description": "As many clients, or readers of events, as may be are connected (`busy`), or the daemon is stopping \#
        (`stopping`).",
              "headers": {
                "Retry-After": {"description": "Seconds to wait, when it is `busy`.", "schema": {"type": "integer"}}
              },
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            },
            "Problem": {
              "description": "Any other problem: an unknown path (`unknown_path`), a method that a path does not \#
        take (`method_not_allowed`), a name or a page that a port is not for (`forbidden`), a request that did not \#
        arrive within 10 s (`timeout`), a mistake of the daemon (`internal_error`).",
              "headers": {
                "Allow": {"description": "The methods that the path takes, with status 405.", "schema": {"type": \#
        "string"}}
              },
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            }
        """#
}
