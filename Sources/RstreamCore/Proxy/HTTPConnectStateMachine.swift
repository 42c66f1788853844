// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// Asks an HTTP proxy for a tunnel with `CONNECT` (RFC 9110 §9.3.6, CONFIG.md §7).
///
/// Every 2xx status is success, and interim answers (1xx) may come before it. The bytes after the head of the answer
/// belong to the tunnel, so the head is read byte by byte, and never past its end.
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
    /// Interim answers so far.
    private var interim = 0

    /// Longer heads than this are not answers to CONNECT.
    package static let largestHead = 16_384

    /// With more interim answers than these the handshake fails.
    package static let mostInterim = 16

    /// Makes a machine that requests a tunnel to `target`. The headers must have been checked (``ProxyHop``).
    package init(target: EngineAddress, headers: [String: String] = [:], credentials: Proxy.Credentials? = nil) {
        self.target = target
        self.headers = headers
        self.credentials = credentials
    }

    package mutating func connected() -> ProxyAction {
        guard case .idle = state else { return .none }
        state = .awaitingHead([])
        return .send(request)
    }

    package mutating func received(_ bytes: [UInt8]) -> ProxyAction {
        guard case .awaitingHead(var head) = state else { return .none }
        // The array must have one owner to grow in place.
        state = .finished
        for (index, byte) in bytes.enumerated() {
            head.append(byte)
            if head.count <= Self.start.count, byte != Self.start[head.count - 1] { return .fail(.malformed) }
            if head.endsWithEmptyLine {
                guard Self.isInterim(head), interim < Self.mostInterim else {
                    return judge(head, rest: Array(bytes.dropFirst(index + 1)))
                }
                interim += 1
                head = []
            }
            if head.count == Self.largestHead { return .fail(.headTooLong) }
        }
        state = .awaitingHead(head)
        return .none
    }

    private static let start = Array("HTTP/1.".utf8)

    /// Whether another answer follows. 101 is final, and no valid answer to CONNECT.
    private static func isInterim(_ head: [UInt8]) -> Bool {
        guard let status = status(of: head) else { return false }
        return (100..<200).contains(status) && status != 101
    }

    private static func status(of head: [UInt8]) -> Int? {
        // HTTP/1.1 200 Connection established
        let words = printable(head.prefix { $0 != UInt8(ascii: "\n") }).split(byte: " ", maxSplits: 2)
        guard words.count >= 2, words[1].utf8.count == 3, words[1].isDigits else { return nil }
        return Int(words[1])
    }

    private func judge(_ head: [UInt8], rest: [UInt8]) -> ProxyAction {
        guard let status = Self.status(of: head) else { return .fail(.malformed) }
        if (200..<300).contains(status) { return .open(rest: rest) }
        // Some proxies repeat the request that they refuse. Secrets are hidden before the text is cut, so that no part
        // of one is shown.
        let mask = SecretMask(Proxy.secrets(inHeaders: headers, credentials))
        let lines = mask.hide(in: head).split(separator: UInt8(ascii: "\n")).map { Self.printable($0) }
        guard let statusLine = lines.first else { return .fail(.malformed) }
        switch status {
        // tinyproxy answers wrong credentials with 401.
        case 401, 407:
            return .fail(
                .authenticationRequired(
                    statusLine: statusLine,
                    schemes: Self.schemes(lines.dropFirst()).map { mask.hide(in: $0) },
                    sentCredentials: credentials != nil
                )
            )
        default: return .fail(.refused(statusLine: statusLine))
        }
    }

    /// The first word of each challenge, in lower case. About a dozen schemes exist, all with short names.
    private static func schemes(_ headers: some Sequence<String>) -> [String] {
        let named = headers.lazy.compactMap { line -> String? in
            let parts = line.split(byte: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].asciiLowercased == "proxy-authenticate" else { return nil }
            guard let scheme = parts[1].split(byte: " ").first, scheme.utf8.count <= 32 else { return nil }
            return scheme.asciiLowercased
        }
        return Array(named.prefix(16))
    }

    /// A line for an error, with unprintable characters replaced.
    private static func printable(_ line: some Sequence<UInt8>) -> String {
        let text = line.prefix(200).map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: " ") }
        return String(decoding: text, as: UTF8.self).trimmed
    }

    /// Made in one piece of memory, so that it can be overwritten after it was sent.
    private var request: [UInt8] {
        let first = "CONNECT \(target) HTTP/1.1\r\nHost: \(target)\r\n"
        let authorization = "Proxy-Authorization: Basic "
        let others = headers.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)\r\n" }.joined() + "\r\n"
        var pair = credentials.map(Self.pair) ?? []
        var encoded = Base64.encode(pair)
        defer {
            SecretMemory.wipe(&pair)
            SecretMemory.wipe(&encoded)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(
            first.utf8.count + authorization.utf8.count + encoded.count + "\r\n".utf8.count + others.utf8.count
        )
        bytes += first.utf8
        if credentials != nil {
            bytes += authorization.utf8
            bytes += encoded
            bytes += "\r\n".utf8
        }
        bytes += others.utf8
        return bytes
    }

    private static func pair(_ credentials: Proxy.Credentials) -> [UInt8] {
        var pair: [UInt8] = []
        pair.reserveCapacity(credentials.username.utf8.count + 1 + credentials.password.count)
        pair += credentials.username.utf8
        pair.append(UInt8(ascii: ":"))
        credentials.password.withBytes { pair += $0 }
        return pair
    }
}

extension [UInt8] {
    /// Whether the head of a message ends here; some proxies end lines without a carriage return.
    fileprivate var endsWithEmptyLine: Bool {
        suffix(4).elementsEqual("\r\n\r\n".utf8) || suffix(2).elementsEqual("\n\n".utf8)
    }
}
