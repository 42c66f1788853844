/// `GET /v1/openapi.json`
package enum OpenAPIDocument {
    package static func text(version: String) -> String { "{}" }
}
