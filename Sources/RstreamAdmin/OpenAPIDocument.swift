// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// `GET /v1/openapi.json`: the admin API as OpenAPI 3.1, for those who write or generate a client of it.
///
/// `openapi.json` beside this file is written by hand; tests compare it with ``Route``, with the types of this module,
/// and with what a daemon answers. The build embeds it in the program.
package enum OpenAPIDocument {
    /// Stands in the file for the daemon's version.
    private static let placeholder = "{version}"

    /// The document, with the version of the daemon that serves it.
    package static func text(version: String) -> String {
        String(decoding: PackageResources.openapi_json, as: UTF8.self)
            .replacing(placeholder, with: version, maxReplacements: 1)
    }
}
