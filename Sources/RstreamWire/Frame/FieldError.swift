// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Why a field of a message is invalid. Both texts are this project's own, never the peer's.
package struct FieldError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: Hashable, Sendable {
        case tooLong(Int)
        case tooMany(Int)
        case notVisibleASCII
        case notHostname
    }

    /// The schema's name of the field.
    package let field: String
    package let reason: Reason

    init(_ field: String, _ reason: Reason) {
        self.field = field
        self.reason = reason
    }

    package var description: String {
        switch reason {
        case .tooLong(let limit): "\(field) is longer than \(limit) bytes"
        case .tooMany(let limit): "\(field) has more than \(limit) entries"
        case .notVisibleASCII: "\(field) has other bytes than visible ASCII"
        case .notHostname: "\(field) is no host name"
        }
    }
}
