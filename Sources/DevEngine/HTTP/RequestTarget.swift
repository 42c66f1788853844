// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOHTTP1
import RstreamModel

/// The parts of a request head that the engine needs: the target and the credentials.
struct RequestTarget {
    let method: HTTPMethod
    /// Path and query, as written.
    let inOriginForm: String
    let path: String
    /// The host without port and final dot, in lower case.
    let host: String?
    /// The host and port, as written.
    let authority: String?
    /// Why the request is invalid; nil if it is valid.
    let problem: String?
    /// Whether it has the engine's login cookie.
    let showsLogin: Bool
    private let query: [ByteKey: String]
    private let authorization: String?

    init(_ head: HTTPRequestHead) {
        method = head.method
        let absolute = Self.absolute(head.uri)
        inOriginForm = absolute?.target ?? head.uri
        let parts = inOriginForm.split(byte: "?", maxSplits: 1, omittingEmpty: false)
        path = parts.first.map(String.init) ?? "/"
        query = parts.count > 1 ? Self.query(parts[1]) : [:]
        authorization = head.headers.first(name: "authorization")
        showsLogin = head.headers["cookie"].contains { field in
            field.split(byte: ";").contains { String($0).trimmed.startsWithBytes(of: "rstream_auth=") }
        }
        let hosts = head.headers["host"]
        // The request target has priority (RFC 9112 §3.2.2).
        let named = absolute?.authority ?? hosts.first
        authority = named?.trimmed
        host = named.flatMap(Self.host)
        let isWritable = RequestMethod.isToken(head.method.rawValue) && head.uri.isVisibleASCII
        // HTTP/2 allows any path, and NIO's decoder of HTTP/1 takes other schemes. No service could read them.
        let hasForm =
            inOriginForm.startsWithBytes(of: "/") || inOriginForm.sameBytes(as: "*") || head.method == .CONNECT
        problem =
            if !isWritable || !MessageHeaders.areValid(head.headers) {
                "The request has invalid characters."
            } else if !hasForm {
                "The target of the request is not valid."
            } else if head.version.major > 1, !MessageHeaders.haveValidLength(head.headers) {
                "The length of the request is not valid."
            } else if hosts.count > 1 {
                "The request has more than one host."
            } else if hosts.isEmpty, head.version == .http1_1 {
                "The request has no host."
            } else if named != nil, host == nil {
                "The host of the request is not valid."
            } else {
                nil
            }
    }

    /// The parts of a target in absolute form.
    private static func absolute(_ uri: String) -> (authority: String, target: String)? {
        for scheme in ["https://", "http://"] where uri.asciiLowercased.startsWithBytes(of: scheme) {
            let rest = Substring(uri.utf8.dropFirst(scheme.utf8.count))
            let end = rest.utf8.firstIndex { "/?".utf8.contains($0) } ?? rest.endIndex
            let target = rest[end...]
            return (String(rest[..<end]), target.startsWithBytes(of: "/") ? String(target) : "/\(target)")
        }
        return nil
    }

    func value(of name: String) -> String? { query[ByteKey(name)] }

    /// The bearer token, or the one in the query if that is allowed.
    func token(orQuery isQueryAllowed: Bool) -> Secret? {
        let scheme = "bearer "
        if let authorization, authorization.asciiLowercased.startsWithBytes(of: scheme) {
            return Secret(String(decoding: authorization.utf8.dropFirst(scheme.utf8.count), as: UTF8.self).trimmed)
        }
        return isQueryAllowed ? value(of: "rstream.token").map { Secret($0) } : nil
    }

    /// Nil if the host is not valid; empty if there is none.
    private static func host(_ text: String) -> String? {
        // The longest valid name.
        guard text.utf8.count <= 300 else { return nil }
        let text = Substring(text.trimmed.asciiLowercased)
        var name = text.prefix(upTo: text.firstIndex(ofByte: ":") ?? text.endIndex)
        var rest = text[name.endIndex...]
        if text.startsWithBytes(of: "["), let end = text.firstIndex(ofByte: "]") {
            name = text[text.utf8.index(after: text.startIndex)..<end]
            rest = text[text.utf8.index(after: end)...]
        }
        guard rest.isEmpty || rest.startsWithBytes(of: ":"),
            rest.utf8.dropFirst().allSatisfy({ (0x30...0x39).contains($0) }),
            name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"/@\\?#,<>\"[]".utf8.contains($0) })
        else { return nil }
        return String(name).withoutFinalDot
    }

    private static func query(_ text: Substring) -> [ByteKey: String] {
        var values: [ByteKey: String] = [:]
        for pair in text.split(byte: "&") {
            let parts = pair.split(byte: "=", maxSplits: 1, omittingEmpty: false).map { part in
                PercentEncoding.decodeLeniently(part, plusIsSpace: true)
            }
            if let name = parts.first { values[ByteKey(name)] = parts.count > 1 ? parts[1] : "" }
        }
        return values
    }
}

extension String {
    /// The name without the dot that ends an absolute DNS name.
    var withoutFinalDot: String {
        utf8.last == UInt8(ascii: ".") ? String(decoding: utf8.dropLast(), as: UTF8.self) : self
    }
}
