/// What every error is answered with: RFC 9457, `application/problem+json`.
package struct Problem: Error, Codable, Hashable, Sendable {
    package static let mediaType = "application/problem+json"

    /// Stable names of what can be wrong with a call.
    package enum Code: String, Codable, Hashable, Sendable, CaseIterable {
        /// No such path.
        case unknownPath = "unknown_path"
        /// The path does not take this method.
        case methodNotAllowed = "method_not_allowed"
        /// No such tunnel, session or stream.
        case notFound = "not_found"
        /// A parameter or body that cannot be right.
        case badRequest = "bad_request"
        /// A body that is neither empty nor `application/json`.
        case unsupportedMediaType = "unsupported_media_type"
        /// More than 64 KiB.
        case tooLarge = "too_large"
        /// The request did not come in time.
        case timeout
        /// As many clients as may be.
        case busy
        /// The daemon is stopping.
        case stopping
        /// A mistake of ours.
        case internalError = "internal_error"
    }

    /// Always `about:blank`: ``code`` says which problem it is.
    package var type = "about:blank"
    package var title: String
    package var status: Int
    package var detail: String
    package var code: Code

    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
        (status, title) =
            switch code {
            case .unknownPath, .notFound: (404, "Not Found")
            case .methodNotAllowed: (405, "Method Not Allowed")
            case .badRequest: (400, "Bad Request")
            case .unsupportedMediaType: (415, "Unsupported Media Type")
            case .tooLarge: (413, "Content Too Large")
            case .timeout: (408, "Request Timeout")
            case .busy, .stopping: (503, "Service Unavailable")
            case .internalError: (500, "Internal Server Error")
            }
    }
}
