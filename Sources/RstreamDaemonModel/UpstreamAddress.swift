// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// The local service that a tunnel's streams go to: the `forward` of a tunnel file (RUN.md §2.2, contract §3.3).
package enum UpstreamAddress: Hashable, Sendable {
    /// Host name or literal, and a port number or service name, which is looked up when dialing.
    case tcp(host: String, service: String)
    /// A Unix socket in the file system.
    case unix(path: String)
    /// A Unix socket in Linux's abstract name space.
    case abstract(name: String)

    /// Why a text is not a forward target.
    package enum Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        case blank
        case invalid(String)
        case mistakenAddress(String)

        /// The official tool's words, but for an address that it would try in vain.
        package var description: String {
            switch self {
            case .blank: "forward target is empty"
            case .invalid(let text): "invalid forward target \"\(text)\""
            case .mistakenAddress(let host):
                "forward target has \"\(host)\" for a host, which looks like an IPv4 address but is not one"
            }
        }
    }

    /// The longest target: a host name, and a service with the longest name that a file has.
    private static let longest = Hostname.longest + 1 + 255

    /// Reads `port`, `host:port`, `[v6]:port`, `[v6%zone]:port`, `unix:/path` or `unix:@name`.
    package init(_ text: String) throws(Malformed) {
        let text = text.trimmed
        guard !text.isEmpty else { throw .blank }
        guard text.utf8.count <= Self.longest else { throw .invalid(text.shortened) }
        if text.startsWithBytes(of: "unix:") {
            self = try Self.socket(text[text.utf8.index(text.startIndex, offsetBy: 5)...], of: text)
        } else if text.startsWithBytes(of: "[") {
            self = try Self.bracketed(text)
        } else if let colon = text.firstIndex(ofByte: ":") {
            let host = text[..<colon].trimmed
            let service = text[text.utf8.index(after: colon)...].trimmed
            guard (1...Hostname.longest).contains(host.utf8.count), !service.isEmpty else { throw .invalid(text) }
            guard !Hostname.isMistakenAddress(host) else { throw .mistakenAddress(host) }
            self = .tcp(host: host, service: service)
        } else {
            self = .tcp(host: "localhost", service: text)
        }
    }

    private static func socket(_ place: Substring, of text: String) throws(Malformed) -> Self {
        guard place.utf8.count <= ListenAddress.longestSocketPath, !place.contains(byte: "\0") else {
            throw .invalid(text)
        }
        if place.startsWithBytes(of: "@"), place.utf8.count > 1 {
            return .abstract(name: String(place[place.utf8.index(after: place.startIndex)...]))
        }
        guard place.startsWithBytes(of: "/") else { throw .invalid(text) }
        return .unix(path: String(place))
    }

    /// The longest name of an interface: `IFNAMSIZ` less its final zero byte.
    private static let longestZone = 15

    /// Whether this is an IPv6 address, perhaps with the interface of its link behind a `%`.
    private static func isIPv6(_ host: String) -> Bool {
        guard let percent = host.firstIndex(ofByte: "%") else {
            return if case .v6 = IPAddress(host) { true } else { false }
        }
        let zone = host[host.utf8.index(after: percent)...]
        guard (1...longestZone).contains(zone.utf8.count), zone.isVisibleASCII, !zone.contains(byte: "/") else {
            return false
        }
        return isIPv6(String(host[..<percent]))
    }

    private static func bracketed(_ text: String) throws(Malformed) -> Self {
        guard let end = text.firstIndex(ofByte: "]") else { throw .invalid(text) }
        let host = String(text[text.utf8.index(after: text.startIndex)..<end])
        let rest = text[text.utf8.index(after: end)...]
        guard isIPv6(host), rest.startsWithBytes(of: ":") else { throw .invalid(text) }
        let service = rest[rest.utf8.index(after: rest.startIndex)...].trimmed
        guard !service.isEmpty else { throw .invalid(text) }
        return .tcp(host: host, service: service)
    }
}

extension UpstreamAddress {
    /// Whether both are the same to the kernel and to a resolver, which see bytes.
    package static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.tcp(let host, let service), .tcp(let otherHost, let otherService)):
            host.sameBytes(as: otherHost) && service.sameBytes(as: otherService)
        case (.unix(let path), .unix(let other)), (.abstract(let path), .abstract(let other)): path.sameBytes(as: other)
        case (.tcp, _), (.unix, _), (.abstract, _): false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .tcp(let host, let service):
            hasher.combine(ByteKey(host))
            hasher.combine(ByteKey(service))
        case .unix(let path): hasher.combine(ByteKey(path))
        case .abstract(let name): hasher.combine(ByteKey(name))
        }
    }
}

extension UpstreamAddress {
    /// Whether it is a Unix socket.
    package var isSocket: Bool {
        switch self {
        case .tcp: false
        case .unix, .abstract: true
        }
    }
}

extension UpstreamAddress: CustomStringConvertible {
    /// The form a tunnel file takes.
    package var description: String {
        switch self {
        case .tcp(let host, let service): Hostname.text(host, port: service)
        case .unix(let path): "unix:\(path)"
        case .abstract(let name): "unix:@\(name)"
        }
    }
}
