internal import RstreamModel

/// What a text of the wire may be, judged where it is decoded, so that everything behind can rely on it.
///
/// An identifier is visible ASCII of a bounded length: Swift compares and hashes that byte by byte, as the peer does. Of
/// any other text Swift compares what it means, at a cost that grows with the square of a run of combining marks, so
/// others have lengths at which that is nothing.
enum WireText {
    /// An identifier that a peer has made up: of a tunnel, a stream, a request, a client. Empty is "none".
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

    /// A text that only people read, cut to what they read.
    static func prose(_ text: String, _ limit: Int = WireLimits.prose) -> String {
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
