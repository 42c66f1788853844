// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// Limits the texts of a message. They are checked where they are decoded, so that all later code can rely on them.
///
/// An identifier is visible ASCII of a bounded length: Swift compares and hashes it byte by byte, as the peer does. Any
/// other text is compared by canonical equivalence, at a cost that grows with the square of a run of combining marks,
/// so their lengths are limited to what costs nothing.
enum WireText {
    /// An identifier that a peer chose: of a tunnel, a stream, a request or a client. Empty means none.
    static func identifier(_ text: String, _ field: String) throws(FieldError) -> String {
        guard text.utf8.count <= WireLimits.identifier else { throw FieldError(field, .tooLong(WireLimits.identifier)) }
        guard text.isVisibleASCII else { throw FieldError(field, .notVisibleASCII) }
        return text
    }

    /// A text that is used as it is, and therefore never cut.
    static func value(_ text: String, _ field: String, _ limit: Int) throws(FieldError) -> String {
        guard text.utf8.count <= limit else { throw FieldError(field, .tooLong(limit)) }
        return text
    }

    /// A text for people, cut to a limit.
    static func text(_ text: String, _ limit: Int = WireLimits.text) -> String {
        text.cut(toBytes: limit)
    }

    /// A list of words such as addresses, countries and ciphers.
    static func words(_ texts: [String], _ field: String) throws(FieldError) -> [String] {
        guard texts.allSatisfy({ $0.utf8.count <= WireLimits.word }) else {
            throw FieldError(field, .tooLong(WireLimits.word))
        }
        return texts
    }
}
