// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("The way to a control plane is the one to an engine", .serialized, .timeLimit(.hang))
struct ControlPlaneRouteTests {
    private func ask(
        _ url: String,
        _ transport: TransportOptions,
        names: [String: [String]] = [:]
    ) async throws(RstreamError) -> ResolvedEngine {
        let service = NameService(TestResolver(names), logger: LogCapture().logger)
        let plane = ControlPlane(
            agent: .library,
            group: MultiThreadedEventLoopGroup.singleton,
            transport: transport,
            names: EngineConnector.Names(engine: service, proxy: service)
        )
        let project = ManagedProject(apiURL: url, endpoint: "1a2b", headers: [:])
        return try await plane.engine(of: project, token: Secret("secret-token"))
    }

    @Test("through a proxy", arguments: [Proxy(route: .http(.nowhere)), Proxy(route: .socks5(.nowhere))])
    func proxy(kind: Proxy) async throws {
        try await TestControlPlane.with(.json(#"{"domain":"d.example"}"#)) { plane in
            let isHTTP = kind.route.kind == "HTTP"
            try await FakeProxy.with(isHTTP ? FakeProxy.http() : FakeProxy.socks5()) { proxy, address in
                let engine = try await ask(plane.url, TransportOptions(proxy: kind.at(address)))
                #expect(engine.address.description == "1a2b.d.example:443")
                #expect(proxy.targets.value.map { "http://\($0)" } == [plane.url])
            }
        }
    }

    @Test("a proxy that refuses is named, and not blamed on the control plane")
    func refused() async throws {
        let steps = FakeProxy.http(answer: "HTTP/1.1 403 Forbidden\r\n\r\n")
        try await FakeProxy.with(steps) { _, address in
            let proxy = Proxy(route: .http(address))
            let error = await #expect(throws: RstreamError.self) {
                _ = try await ask("http://127.0.0.1:1", TransportOptions(proxy: proxy))
            }
            let place = "control plane 127.0.0.1:1 through HTTP proxy \(address)"
            #expect(error?.what == "\(place): failed to CONNECT: HTTP/1.1 403 Forbidden")
            #expect(error?.code == .controlPlane)
            #expect(error?.fix == "permit CONNECT to the engine at the proxy")
        }
    }

    @Test("with the same name servers, and from the same address")
    func namesAndBind() async throws {
        try await TestControlPlane.with(.json(#"{"domain":"d.example"}"#)) { plane in
            let port = try #require(plane.url.split(separator: ":").last)
            var transport = TransportOptions()
            transport.bind = .address(ip("127.0.0.1"))
            let engine = try await ask("http://localhost:\(port)", transport, names: ["localhost": ["127.0.0.1"]])
            #expect(engine.address.description == "1a2b.d.example:443")
            // Not an address of this host.
            transport.bind = .address(ip("192.0.2.1"))
            let error = await #expect(throws: RstreamError.self) { _ = try await ask(plane.url, transport) }
            #expect(error?.what.contains("this host does not have the address 192.0.2.1 to connect from") == true)
        }
    }
}
