package import RstreamModel

/// Asks an HTTP proxy for a tunnel with `CONNECT` (RFC 9110 §9.3.6, CONFIG.md §7).
///
/// Only the status 200 is success. What stands behind the head of the answer belongs to the tunnel, so the head is
/// read byte by byte, and never past its end.
package struct HTTPConnectStateMachine: ProxyStateMachine {
    private enum State {
        case idle
        case awaitingHead([UInt8])
        case finished
    }

    private let target: EngineAddress
    private let headers: [String: String]
    private let credentials: Proxy.Credentials?
    private var state = State.idle

    /// Longer heads than this are not answers to CONNECT.
    package static let largestHead = 16_384

    /// Asks for a tunnel to `target`. The headers must have been checked (``ProxyHop``).
    package init(target: EngineAddress, headers: [String: String] = [:], credentials: Proxy.Credentials? = nil) {
        self.target = target
        self.headers = headers
        self.credentials = credentials
    }

    package mutating func connected() -> ProxyAction {
        guard case .idle = state else { return .none }
        state = .awaitingHead([])
        return .send(Array(request.utf8))
    }

    package mutating func received(_ bytes: [UInt8]) -> ProxyAction {
        guard case .awaitingHead(var head) = state else { return .none }
        // The array must have one owner to grow in place.
        state = .finished
        for (index, byte) in bytes.enumerated() {
            head.append(byte)
            if head.count <= Self.start.count, byte != Self.start[head.count - 1] { return .fail(.malformed) }
            if head.endsWithEmptyLine { return judge(head, rest: Array(bytes.dropFirst(index + 1))) }
            if head.count == Self.largestHead { return .fail(.headTooLong) }
        }
        state = .awaitingHead(head)
        return .none
    }

    private static let start = Array("HTTP/1.".utf8)

    private func judge(_ head: [UInt8], rest: [UInt8]) -> ProxyAction {
        let lines = head.split(separator: UInt8(ascii: "\n")).map { Self.printable($0) }
        guard let statusLine = lines.first else { return .fail(.malformed) }
        // HTTP/1.1 200 Connection established
        let words = statusLine.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[1].utf8.count == 3, let status = Int(words[1]) else { return .fail(.malformed) }
        switch status {
        case 200: return .open(rest: rest)
        // 401 is how tinyproxy refuses wrong credentials.
        case 401, 407:
            return .fail(
                .authenticationRequired(
                    statusLine: statusLine,
                    schemes: Self.schemes(lines.dropFirst()),
                    sentCredentials: credentials != nil
                )
            )
        default: return .fail(.refused(statusLine: statusLine))
        }
    }

    /// The first word of each challenge, in lower case.
    private static func schemes(_ headers: some Sequence<String>) -> [String] {
        headers.compactMap { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "proxy-authenticate" else { return nil }
            return parts[1].split(separator: " ").first?.lowercased()
        }
    }

    /// A line for an error: what could harm a terminal or a log is replaced.
    private static func printable(_ line: some Sequence<UInt8>) -> String {
        let text = line.prefix(200).map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: " ") }
        return String(decoding: text, as: UTF8.self).trimmed
    }

    private var request: String {
        var lines = ["CONNECT \(target) HTTP/1.1", "Host: \(target)"]
        if let credentials {
            let pair = "\(credentials.username):\(credentials.password.reveal())"
            lines.append("Proxy-Authorization: Basic \(pair.utf8.base64)")
        }
        lines += headers.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        return lines.map { "\($0)\r\n" }.joined() + "\r\n"
    }
}

extension [UInt8] {
    /// Whether the head of a message ends here; some proxies end lines without a carriage return.
    fileprivate var endsWithEmptyLine: Bool {
        suffix(4).elementsEqual("\r\n\r\n".utf8) || suffix(2).elementsEqual("\n\n".utf8)
    }
}

extension String.UTF8View {
    /// The text in Base64 (RFC 4648 §4).
    fileprivate var base64: String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let bytes = Array(self)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<Swift.min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                text.append(place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
