// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import NIOHTTP1
import RstreamModel

@testable import DevEngine

/// A visitor's request at the dev engine's edge: the service reads the one request that the engine has read, with the same
/// body, whatever the head says of itself, and learns what the engine knows of the visitor.
enum EdgeRequests {
    private static let host = "web.example.test"
    private static let facts = [
        ("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", "https"), ("x-forwarded-host", host), ("host", host),
    ]

    static func check(_ bytes: [UInt8]) throws(Finding) {
        guard let request = read(bytes).first else { return }
        let target = RequestTarget(request.head)
        _ = (target.token(orQuery: true), target.value(of: "a"))
        guard target.problem == nil else { return }
        if let name = target.host {
            try demand(name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a host is \(name)")
        }
        // An upgrade ends HTTP, and a tunnel is no request.
        guard request.isComplete, request.head.method != .CONNECT, MessageHeaders.upgrade(request.head.headers) == nil,
            request.trailers.map(MessageHeaders.areValid) ?? true
        else { return }
        for hidesToken in [false, true] { try forward(request, target, hidesToken: hidesToken) }
    }

    /// What the service reads of a request that the engine has accepted. `hasBody` is as for ``ForwardedHead``.
    static func forward(
        _ request: HTTPRequest,
        _ target: RequestTarget,
        hidesToken: Bool,
        hasBody: Bool = false
    ) throws(Finding) {
        let rules = ForwardedHead(source: IPAddress("192.0.2.1"), host: host, hidesToken: hidesToken)
        let head = rules.applied(to: request.head, target: target, hasBody: hasBody)
        let bytes = try written(HTTPRequest(head: head, body: request.body, trailers: request.trailers))
        let heard = read(bytes)
        try demand(heard.count == 1, "the service reads \(heard.count) requests in \(bytes.text.debugDescription)")
        guard let service = heard.first else { return }
        try demand(service.isComplete && service.body == request.body, "the body becomes \(service.body.text)")
        try demand(service.head.method == request.head.method, "the method becomes \(service.head.method)")
        try demand(service.head.uri.sameBytes(as: head.uri), "the target becomes \(service.head.uri)")
        for (name, value) in facts {
            try demand(service.head.headers[name] == [value], "\(name) is \(service.head.headers[name])")
        }
        try demand(!hidesToken || service.head.headers["authorization"].isEmpty, "the service learns the token")
        for cookie in service.head.headers["cookie"].flatMap({ $0.split(byte: ";") }) {
            let isLogin = String(cookie).trimmed.startsWithBytes(of: "rstream_auth=")
            try demand(!isLogin, "the service learns the login")
        }
    }

    /// The requests that a server reads, whose decoder knows only some methods.
    private static func read(_ bytes: [UInt8]) -> [HTTPRequest] {
        let (method, collector) = (MethodHandler(), RequestCollector())
        collector.onPart = { part in
            switch part {
            case .head(var head):
                method.next(isRequest: false)
                head.method = method.method(of: head)
                part = .head(head)
            case .body: break
            case .end: method.next(isRequest: true)
            }
        }
        let decoder = ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes))
        EmbeddedChannel.deliver([bytes], to: [method, decoder, collector])
        return collector.requests
    }

    /// What the engine writes to the service.
    private static func written(_ request: HTTPRequest) throws(Finding) -> [UInt8] {
        var encoding = HTTPRequestEncoder.Configuration()
        encoding.automaticallySetFramingHeaders = false
        let channel = EmbeddedChannel(handler: HTTPRequestEncoder(configuration: encoding))
        defer { channel.end() }
        var parts = [HTTPClientRequestPart.head(request.head)]
        if !request.body.isEmpty { parts.append(.body(.byteBuffer(ByteBuffer(bytes: request.body)))) }
        parts.append(.end(request.trailers))
        do {
            for part in parts { try channel.writeOutbound(part) }
        } catch {
            throw Finding("the request cannot be written: \(error)")
        }
        return channel.written()
    }
}
