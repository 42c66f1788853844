import NIOHTTP1
import RstreamModel

/// What the engine wants to know of a request head: where it goes, and with which credential.
struct RequestTarget {
    let method: HTTPMethod
    let path: String
    private let query: [String: String]
    private let authorization: String?
    /// Host without port, in lower case.
    let host: String?

    init(_ head: HTTPRequestHead) {
        method = head.method
        let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = parts.first.map(String.init) ?? "/"
        query = parts.count > 1 ? Self.query(parts[1]) : [:]
        authorization = head.headers.first(name: "authorization")
        host = head.headers.first(name: "host").map(Self.host)
    }

    func value(of name: String) -> String? { query[name] }

    /// The bearer token, or where that is allowed the one in the query.
    func token(orQuery isQueryAllowed: Bool) -> Secret? {
        if let authorization, authorization.lowercased().hasPrefix("bearer ") {
            return Secret(String(authorization.dropFirst("bearer ".count)).trimmed)
        }
        return isQueryAllowed ? query["rstream.token"].map { Secret($0) } : nil
    }

    private static func host(_ text: String) -> String {
        let text = text.trimmed.lowercased()
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            return String(text[text.index(after: text.startIndex)..<end])
        }
        return text.split(separator: ":").first.map(String.init) ?? ""
    }

    /// Undoes percent encoding; a `%` that encodes nothing stays as it is.
    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Substring(text)
        while let character = rest.popFirst() {
            let digits = rest.prefix(2)
            if character == "%", digits.count == 2, digits.allSatisfy(\.isHexDigit), let byte = UInt8(digits, radix: 16)
            {
                bytes.append(byte)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(contentsOf: (character == "+" ? " " : String(character)).utf8)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func query(_ text: Substring) -> [String: String] {
        var values: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { part in
                Self.decoded(part)
            }
            if let name = parts.first { values[name] = parts.count > 1 ? parts[1] : "" }
        }
        return values
    }
}
