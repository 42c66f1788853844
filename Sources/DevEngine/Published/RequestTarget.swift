import NIOHTTP1
import RstreamModel

/// What the engine wants to know of a request head: where it goes, and with which credential.
struct RequestTarget {
    let method: HTTPMethod
    let path: String
    private let query: [ByteKey: String]
    private let authorization: String?
    /// Host without port, in lower case.
    let host: String?

    init(_ head: HTTPRequestHead) {
        method = head.method
        let parts = head.uri.split(byte: "?", maxSplits: 1, omittingEmpty: false)
        path = parts.first.map(String.init) ?? "/"
        query = parts.count > 1 ? Self.query(parts[1]) : [:]
        authorization = head.headers.first(name: "authorization")
        host = head.headers.first(name: "host").map(Self.host)
    }

    func value(of name: String) -> String? { query[ByteKey(name)] }

    /// The bearer token, or where that is allowed the one in the query.
    func token(orQuery isQueryAllowed: Bool) -> Secret? {
        let scheme = "bearer "
        if let authorization, authorization.asciiLowercased.startsWithBytes(of: scheme) {
            return Secret(String(decoding: authorization.utf8.dropFirst(scheme.utf8.count), as: UTF8.self).trimmed)
        }
        return isQueryAllowed ? value(of: "rstream.token").map { Secret($0) } : nil
    }

    private static func host(_ text: String) -> String {
        // No name is longer, and what is no name names nothing.
        guard text.utf8.count <= 300 else { return "" }
        let text = text.trimmed.asciiLowercased
        if text.startsWithBytes(of: "["), let end = text.firstIndex(ofByte: "]") {
            return String(text[text.utf8.index(after: text.startIndex)..<end])
        }
        return text.split(byte: ":").first.map(String.init) ?? ""
    }

    /// Undoes percent encoding; a `%` that encodes nothing stays as it is.
    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2)
            if byte == UInt8(ascii: "%"), digits.count == 2, let high = hexDigit(digits.first),
                let low = hexDigit(digits.last)
            {
                bytes.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func hexDigit(_ byte: UInt8?) -> UInt8? {
        switch byte {
        case let byte? where (0x30...0x39).contains(byte): byte - 0x30
        case let byte? where (0x41...0x46).contains(byte & 0xDF): (byte & 0xDF) - 0x37
        default: nil
        }
    }

    private static func query(_ text: Substring) -> [ByteKey: String] {
        var values: [ByteKey: String] = [:]
        for pair in text.split(byte: "&") {
            let parts = pair.split(byte: "=", maxSplits: 1, omittingEmpty: false).map { part in Self.decoded(part) }
            if let name = parts.first { values[ByteKey(name)] = parts.count > 1 ? parts[1] : "" }
        }
        return values
    }
}
