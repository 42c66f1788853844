// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOHTTP1
import RstreamModel

/// Builds the request head for the service: adds the forwarding headers, and removes credentials meant for the engine.
struct ForwardedHead {
    /// The visitor's address.
    let source: IPAddress?
    /// The requested host, as written.
    let host: String
    /// Whether the token is the engine's and must not reach the service.
    let hidesToken: Bool

    /// Headers of the visitor that are replaced.
    private static let replaced = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]

    /// The head for the service, with its fields in their order. `hasBody` is whether a body follows a head without a
    /// length, as in HTTP/2.
    func applied(to head: HTTPRequestHead, target: RequestTarget, hasBody: Bool = false) -> HTTPRequestHead {
        var headers = HTTPHeaders()
        for (name, value) in MessageHeaders.endToEnd(head.headers) {
            switch name.asciiLowercased {
            // The target of the request wins (RFC 9112 §3.2.2).
            case "host": headers.add(name: name, value: host)
            case let name where Self.replaced.contains(name): continue
            case "authorization" where hidesToken: continue
            case "cookie":
                if let value = Self.withoutLogin(value) { headers.add(name: name, value: value) }
            default: headers.add(name: name, value: value)
            }
        }
        if !headers.contains(name: "host") { headers.add(name: "Host", value: host) }
        let isLong = MessageHeaders.isChunked(head.headers) || (hasBody && !headers.contains(name: "content-length"))
        if isLong {
            headers.remove(name: "content-length")
            headers.add(name: "Transfer-Encoding", value: "chunked")
        }
        // gRPC services check that trailers are accepted.
        if head.headers[canonicalForm: "te"].contains(where: { $0.asciiLowercased == "trailers" }) {
            headers.add(name: "TE", value: "trailers")
        }
        if head.version == .http1_1, let upgrade = MessageHeaders.upgrade(head.headers) {
            headers.add(name: "Connection", value: "Upgrade")
            headers.add(name: "Upgrade", value: upgrade)
        }
        if let source { headers.add(name: "X-Forwarded-For", value: source.description) }
        headers.add(name: "X-Forwarded-Proto", value: "https")
        headers.add(name: "X-Forwarded-Host", value: host)
        return HTTPRequestHead(
            version: .http1_1,
            method: head.method,
            uri: hidesToken ? Self.withoutToken(target.inOriginForm) : target.inOriginForm,
            headers: headers
        )
    }

    /// The cookies without the engine's own; nil if none is left.
    private static func withoutLogin(_ field: String) -> String? {
        let cookies = field.split(byte: ";", omittingEmpty: false)
        let others = cookies.filter { !String($0).trimmed.startsWithBytes(of: "rstream_auth=") }
        guard others.count < cookies.count else { return field }
        return others.isEmpty ? nil : others.joined(separator: ";").trimmed
    }

    /// The path without the query parameter of the token.
    private static func withoutToken(_ path: String) -> String {
        let parts = path.split(byte: "?", maxSplits: 1, omittingEmpty: false)
        guard parts.count == 2 else { return path }
        let pairs = parts[1].split(byte: "&", omittingEmpty: false)
        let others = pairs.filter { pair in
            let name = pair.split(byte: "=", maxSplits: 1, omittingEmpty: false).first ?? pair
            return !PercentEncoding.decodeLeniently(name, plusIsSpace: true).sameBytes(as: "rstream.token")
        }
        guard others.count < pairs.count else { return path }
        return others.isEmpty ? String(parts[0]) : "\(parts[0])?\(others.joined(separator: "&"))"
    }
}
