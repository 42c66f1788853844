// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// Where the API is, as in `DOCKER_HOST`.
package enum DockerHost: Hashable, Sendable, CustomStringConvertible {
    case unix(path: String)
    case tcp(host: String, port: Int)

    /// Where Docker listens unless it is told otherwise.
    package static let usual = DockerHost.unix(path: "/var/run/docker.sock")

    /// Why a text is no place of an API.
    package struct Invalid: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// Longer paths have no room in a socket's address.
    private static let longestPath = 107
    /// Docker's port without TLS.
    private static let usualPort = 2_375

    /// Reads `unix:///run/docker.sock`, or `tcp://127.0.0.1:2375`.
    package init(_ text: String) throws(Invalid) {
        guard let mark = text.firstRange(ofBytes: "://") else {
            let text = text.shortened.quotedJSON
            throw Invalid(description: "\(text) has no scheme: write unix:///path, or tcp://host:port")
        }
        let (scheme, rest) = (String(text[..<mark.lowerBound]), text[mark.upperBound...])
        if scheme.sameBytes(as: "unix") {
            guard rest.startsWithBytes(of: "/"), rest.utf8.count <= Self.longestPath, !rest.utf8.contains(0) else {
                let text = text.shortened.quotedJSON
                throw Invalid(description: "\(text) has no absolute path of at most \(Self.longestPath) bytes")
            }
            self = .unix(path: String(rest))
        } else if scheme.sameBytes(as: "tcp") || scheme.sameBytes(as: "http") {
            let end = rest.endsWithBytes(of: "/") ? rest.utf8.index(before: rest.endIndex) : rest.endIndex
            self = try Self.tcp(String(rest[..<end]))
        } else {
            let reason = "only unix:// and tcp:// without TLS are supported; forward a socket with ssh -L"
            throw Invalid(description: "\(scheme.shortened.quotedJSON): \(reason)")
        }
    }

    private static func tcp(_ text: String) throws(Invalid) -> DockerHost {
        if let address = IPAddress(text) { return .tcp(host: "\(address)", port: usualPort) }
        var (host, port) = (text[...], usualPort)
        // Not a colon inside of brackets.
        if let colon = text.lastIndex(ofByte: ":"), !text.endsWithBytes(of: "]") {
            let digits = text[text.utf8.index(after: colon)...]
            guard (1...5).contains(digits.utf8.count), digits.isDigits, let number = Int(digits),
                (1...65_535).contains(number)
            else { throw Invalid(description: "\(text.shortened.quotedJSON) has no port from 1 to 65535") }
            (host, port) = (text[..<colon], number)
        }
        if host.startsWithBytes(of: "["), host.endsWithBytes(of: "]") {
            host = host[host.utf8.index(after: host.startIndex)..<host.utf8.index(before: host.endIndex)]
        }
        guard IPAddress(host) != nil || Hostname.isValid(String(host)) else {
            throw Invalid(description: "\(text.shortened.quotedJSON) has no host name or address")
        }
        return .tcp(host: String(host), port: port)
    }

    /// As it is written.
    package var description: String {
        switch self {
        case .unix(let path): "unix://\(path)"
        case .tcp(let host, let port): host.contains(byte: ":") ? "tcp://[\(host)]:\(port)" : "tcp://\(host):\(port)"
        }
    }
}
