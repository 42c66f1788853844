// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The answer to a call that failed: RFC 9457, `application/problem+json`.
package struct Problem: Error, Codable, Hashable, Sendable {
    package static let mediaType = "application/problem+json"

    /// Stable names of the problems that a call can have.
    package struct Code: OpenEnum {
        /// No such path.
        package static let unknownPath = Self(rawValue: "unknown_path")
        /// The path does not take this method.
        package static let methodNotAllowed = Self(rawValue: "method_not_allowed")
        /// No such tunnel, session or stream.
        package static let notFound = Self(rawValue: "not_found")
        /// An invalid parameter or body.
        package static let badRequest = Self(rawValue: "bad_request")
        /// A request for another host name, or from a page of another origin.
        package static let forbidden = Self(rawValue: "forbidden")
        /// A body that is neither empty nor `application/json`.
        package static let unsupportedMediaType = Self(rawValue: "unsupported_media_type")
        /// More than 64 KiB.
        package static let tooLarge = Self(rawValue: "too_large")
        /// The daemon's state is against it: a tunnel of the files cannot be closed by hand.
        package static let conflict = Self(rawValue: "conflict")
        /// A tunnel that breaks a rule of tunnel files; ``Problem/diagnostics`` say which.
        package static let invalid = Self(rawValue: "invalid")
        /// The private tunnel cannot be dialed.
        package static let notReachable = Self(rawValue: "not_reachable")
        /// The request did not come in time.
        package static let timeout = Self(rawValue: "timeout")
        /// As many clients as the limit allows are connected.
        package static let busy = Self(rawValue: "busy")
        /// The daemon is stopping.
        package static let stopping = Self(rawValue: "stopping")
        /// An error of the daemon itself.
        package static let internalError = Self(rawValue: "internal_error")
        package static let allCases: [Self] = [
            .unknownPath, .methodNotAllowed, .notFound, .badRequest, .forbidden, .unsupportedMediaType, .tooLarge,
            .conflict, .invalid, .notReachable, .timeout, .busy, .stopping, .internalError,
        ]

        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }
    }

    /// Always `about:blank`: ``code`` says which problem it is.
    package var type = "about:blank"
    package var title: String
    package var status: Int
    package var detail: String
    package var code: Code
    /// What is wrong with a tunnel, for the code `invalid`; left out for others.
    package var diagnostics: [DiagnosticReport]?

    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
        (status, title) =
            switch code {
            case .unknownPath, .notFound: (404, "Not Found")
            case .methodNotAllowed: (405, "Method Not Allowed")
            case .badRequest: (400, "Bad Request")
            case .forbidden: (403, "Forbidden")
            case .unsupportedMediaType: (415, "Unsupported Media Type")
            case .tooLarge: (413, "Content Too Large")
            case .conflict: (409, "Conflict")
            case .invalid: (422, "Unprocessable Content")
            case .notReachable: (502, "Bad Gateway")
            case .timeout: (408, "Request Timeout")
            case .busy, .stopping: (503, "Service Unavailable")
            default: (500, "Internal Server Error")
            }
    }
}
