// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Where an engine listens: `host[:port]`, port 443 unless given (PROTOCOL.md §1, CONFIG.md §6).
public struct EngineAddress: Hashable, Sendable, CustomStringConvertible {
    /// DNS name in lower case, or an IP literal without brackets.
    public let host: String
    /// TCP port, 1 to 65535.
    public let port: Int

    /// The port of an address without one.
    public static let defaultPort = 443

    /// Why a text is not an engine address.
    public enum Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        case blank
        case character(Character)
        case host(String)
        case mistakenAddress(String)
        case port(String)

        /// What is wrong, to stand after the name of the setting.
        public var description: String {
            switch self {
            case .blank: "is empty"
            case .character(let character):
                "contains \"\(String(character).printable)\": it is host[:port], without scheme, path or user"
            case .host(let host): "has an invalid host name \"\(host)\""
            case .mistakenAddress(let host):
                "has \"\(host)\" for a host, which looks like an IPv4 address but is not one"
            case .port(let port): "has an invalid port \"\(port)\": it is a number from 1 to 65535"
            }
        }
    }

    /// The longest text that can be one: a name, a colon and a port.
    private static let longest = Hostname.longest + 6

    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`; other services than engines have other default ports.
    public init(_ text: String, defaultPort: Int = Self.defaultPort) throws(Malformed) {
        let text = text.trimmed
        guard !text.isEmpty else { throw .blank }
        guard text.utf8.count <= Self.longest else { throw .host(text.shortened) }
        if let bad = text.unicodeScalars.first(where: Self.isForeign) { throw .character(Character(bad)) }
        let (host, port) = try Self.split(text)
        var lowered = host.asciiLowercased
        guard !Hostname.isMistakenAddress(lowered) else { throw .mistakenAddress(host) }
        // A name with its final dot is the same name, which certificates have without it.
        if lowered.endsWithBytes(of: "."), lowered.utf8.count > 1 {
            lowered = String(lowered[..<lowered.utf8.index(before: lowered.endIndex)])
        }
        guard IPAddress(lowered) != nil || Hostname.isValid(lowered) else { throw .host(host) }
        self.host = lowered
        guard let port else {
            self.port = defaultPort
            return
        }
        guard port.isDigits, let number = Int(port), (1...65_535).contains(number) else { throw .port(port) }
        self.port = number
    }

    /// Whether a character cannot be in an address. This is checked first: it shows what the text is instead, such as a
    /// URL.
    private static func isForeign(_ scalar: Unicode.Scalar) -> Bool {
        !scalar.isASCII || scalar.properties.isWhitespace || "/?#@\\".unicodeScalars.contains(scalar)
    }

    private static func split(_ text: String) throws(Malformed) -> (host: String, port: String?) {
        if text.startsWithBytes(of: "[") {
            guard let end = text.firstIndex(ofByte: "]") else { throw .host(text) }
            let host = String(text[text.utf8.index(after: text.startIndex)..<end])
            guard case .v6 = IPAddress(host) else { throw .host(host) }
            let rest = text[text.utf8.index(after: end)...]
            if rest.isEmpty { return (host, nil) }
            guard rest.startsWithBytes(of: ":") else { throw .port(String(rest)) }
            return (host, String(rest[rest.utf8.index(after: rest.startIndex)...]))
        }
        let parts = text.split(byte: ":", omittingEmpty: false)
        switch parts.count {
        case 1: return (text, nil)
        case 2: return (String(parts[0]), String(parts[1]))
        default: throw .host(text)
        }
    }

    /// Whether the host is an IP literal, which has no stable domain and takes no SNI.
    package var isIPLiteral: Bool { IPAddress(host) != nil }

    /// `host:port`, with brackets around an IPv6 literal.
    public var description: String {
        Hostname.text(host, port: port)
    }
}
