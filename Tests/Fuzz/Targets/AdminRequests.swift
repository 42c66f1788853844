// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import NIOHTTP1
import RstreamAdmin
import RstreamConfig
import RstreamModel

@testable import RstreamDaemon

/// Requests to the admin API: at each kind of endpoint answered or refused, calls that are read from their own path as the
/// same call, and tunnels opened by hand that a tunnel file could have.
enum AdminRequests {
    private static let peer = Peer(process: 1, user: 1_000, group: 1_000)
    private static let endpoints: [RequestPolicy.Endpoint] = [
        .file, .loopback(names: ["box.example"]), .network, .page(names: ["box.example"]),
    ]

    static func check(_ bytes: [UInt8]) throws(Finding) {
        let collector = RequestCollector()
        let handlers: [any ChannelHandler] = [
            HTTPResponseEncoder(), ByteToMessageHandler(HTTPRequestDecoder()), RequestBoundsHandler(.init()), collector,
        ]
        let refused = EmbeddedChannel.deliver([bytes], to: handlers)
        // What is no HTTP is answered once, with a problem document.
        if !refused.isEmpty {
            try demand(refused.starts(with: "HTTP/1.1 4".utf8), "an answer is \(refused.text)")
            try demand(refused.contains(Array("\r\nConnection: close\r\n".utf8)), "an answer is \(refused.text)")
        }
        for request in collector.requests { try check(request) }
    }

    private static func check(_ request: HTTPRequest) throws(Finding) {
        for endpoint in endpoints {
            let policy = RequestPolicy(request.head, at: endpoint)
            if let problem = policy.problem {
                try demand(!policy.keepsAlive && (400...499).contains(problem.status), "\(problem) keeps a connection")
            }
            try demand(!policy.wantsContinue || policy.problem == nil, "a refused request is continued")
            try route(request.head.method.rawValue, policy.target)
        }
        for accept in request.head.headers["accept"] { _ = MetricsFormat(accept: accept) }
        guard request.isComplete, let body = try? AdminJSON.decode(JSONValue.self, from: request.body) else { return }
        let call = HTTPCall(
            method: request.head.method.rawValue,
            target: request.head.uri,
            headers: request.head.headers,
            body: request.body,
            peer: peer,
            rights: .change
        )
        guard let tunnel = try? TunnelRequest(body, of: call) else { return }
        if let lasts = tunnel.lasts { try demand(lasts > .zero, "a tunnel lasts \(lasts)") }
        for user in [nil, 1_000 as UInt32] { try open(tunnel, user) }
    }

    private static func route(_ method: String, _ target: String) throws(Finding) {
        guard let route = try? Route(method: method, target: target) else {
            if let allowed = Route.allowed(at: target) { try demand(!allowed.isEmpty, "a path takes nothing") }
            return
        }
        let again = try? Route(method: route.method, target: route.path)
        try demand(again == route, "\(route) has the path \(route.path)")
    }

    private static func open(_ tunnel: TunnelRequest, _ user: UInt32?) throws(Finding) {
        let opened: TunnelByHand
        do throws(ConfigurationError) {
            opened = try TunnelByHand(tunnel.entry, user: user)
        } catch {
            try demand(error.diagnostics.contains { $0.severity == .error }, "a refusal has no reason")
            return
        }
        try demand(!opened.name.isEmpty && opened.text.startsWithBytes(of: "version: 1\n"), "it is \(opened.text)")
    }
}
