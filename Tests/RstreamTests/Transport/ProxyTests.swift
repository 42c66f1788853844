// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("An engine behind a proxy", .serialized, .timeLimit(.hang))
struct ProxyTests {
    /// Opens a control channel, a tunnel, and a stream in each direction: everything that dials.
    private func doTheJob(_ engine: TestEngine, _ client: RstreamClient) async throws {
        let control = try await client.connect()
        let tunnel = try await control.createTunnel(unpublished())
        let dialed = try await client.dial("private", zeroRTT: false).take()
        let accepted = try await tunnel.next().take(echo: true)
        try await dialed.send("hello")
        try await dialed.finish()
        #expect(try await dialed.receiveText() == "hello")
        try await accepted.waitForClose()
        await control.close()
        try await engine.waitUntilDeserted()
    }

    private func expectFailure(
        _ proxy: Proxy,
        _ steps: [FakeProxy.Dialogue],
        _ change: (inout RstreamClientOptions) -> Void = { _ in }
    ) async throws -> (String, RstreamError) {
        var found: (String, RstreamError)?
        try await TestEngine.with { engine in
            try await FakeProxy.with(steps) { _, address in
                let client = engine.client {
                    $0.transport.proxy = proxy.at(address)
                    change(&$0)
                }
                let error = try await failure { _ = try await client.connect() }
                // A stream fails with the same error, or with its own timeout.
                let dialing = try await failure { _ = try await client.dial("x") }
                #expect(dialing == error || dialing.what.contains("no connection within"))
                #expect(error.code == .engineUnreachable)
                #expect(error.retry == .afterBackoff)
                #expect(!error.description.contains("hidden"))
                let place = "engine \(engine.address) through \(proxy.route.kind) proxy \(address): "
                #expect(error.what.hasPrefix(place))
                #expect(dialing.what.hasPrefix(place))
                found = (String(error.what.dropFirst(place.count)), error)
            }
        }
        return try #require(found)
    }

    private static let http = Proxy(route: .http(.nowhere))
    private static let socks = Proxy(route: .socks5(.nowhere))
    private static let user = Proxy.Credentials(username: "user", password: Secret("hidden"))

    @Test("is reached with CONNECT for control channel, dials and streams alike")
    func http() async throws {
        try await TestEngine.with { engine in
            try await FakeProxy.with(FakeProxy.http()) { proxy, address in
                let client = engine.client {
                    $0.transport.proxy = Proxy(
                        route: .http(address),
                        credentials: Self.user,
                        headers: ["X-Env": "ci"]
                    )
                }
                try await doTheJob(engine, client)
                #expect(proxy.targets.value == [String](repeating: "\(engine.address)", count: 3))
                #expect(proxy.said.value.first?.hasPrefix("CONNECT \(engine.address) HTTP/1.1\r\n") == true)
                #expect(proxy.said.value.first?.contains("Proxy-Authorization: Basic dXNlcjpoaWRkZW4=\r\n") == true)
                #expect(proxy.said.value.first?.contains("X-Env: ci\r\n") == true)
            }
        }
    }

    @Test("is reached with SOCKS5, with and without user and password", arguments: [nil, "user"])
    func socks(user: String?) async throws {
        try await TestEngine.with { engine in
            try await FakeProxy.with(FakeProxy.socks5(user: user)) { proxy, address in
                let client = engine.client {
                    $0.transport.proxy = Proxy(route: .socks5(address), credentials: user == nil ? nil : Self.user)
                }
                try await doTheJob(engine, client)
                #expect(proxy.targets.value == [String](repeating: "\(engine.address)", count: 3))
            }
        }
    }

    @Test("is reached through an https proxy, whose certificate is verified")
    func https() async throws {
        try await TemporaryFolder.with { folder in
            let authority = try TestAuthority(in: folder)
            let context = try authority.server("proxy.test", addresses: ["127.0.0.2"])
            try await TestEngine.with { engine in
                try await FakeProxy.with(tls: context, FakeProxy.http()) { proxy, address in
                    func client(_ tls: TransportOptions.TLS) -> RstreamClient {
                        engine.client { $0.transport.proxy = Proxy(route: .https(address), tls: tls) }
                    }
                    let caFile = authority.caFile
                    try await doTheJob(engine, client(TransportOptions.TLS(caFile: caFile)))
                    try await doTheJob(engine, client(TransportOptions.TLS(caFile: caFile, serverName: "proxy.test")))
                    #expect(proxy.targets.value.count == 6)
                    // The engine's CA file does not apply to the proxy.
                    let untrusted = try await failure {
                        _ = try await client(TransportOptions.TLS(caFile: engine.caFile)).connect()
                    }
                    #expect(untrusted.what.contains("through HTTP proxy \(address): the certificate is not trusted"))
                    #expect(untrusted.fix?.contains("transport.proxy.tls.caFile") == true)
                    let wrong = try await failure {
                        _ = try await client(TransportOptions.TLS(caFile: caFile, serverName: "x.test")).connect()
                    }
                    #expect(wrong.what.contains("the certificate is not valid for \""))
                    try await doTheJob(engine, client(TransportOptions.TLS(insecureSkipVerify: true)))
                }
            }
        }
    }

    @Test("may answer after a half-close, through a proxy that closes both directions at a FIN")
    func halfClose() async throws {
        try await TestEngine.with { engine in
            try await FakeProxy.with(knowsHalfClose: false, FakeProxy.http()) { _, address in
                let control = try await engine.client().connect()
                let tunnel = try await control.createTunnel(unpublished())
                let client = engine.client { $0.transport.proxy = Proxy(route: .http(address)) }
                let dialed = try await client.dial("private").take()
                let accepted = try await tunnel.next().take()
                try await dialed.send("question")
                try await dialed.finish()
                #expect(try await accepted.receiveText() == "question")
                try await accepted.send("answer")
                try await accepted.finish()
                #expect(try await dialed.receiveText() == "answer")
                await control.close()
                try await engine.waitUntilDeserted()
            }
        }
    }

    @Test("is named together with the proxy when TLS through it fails", arguments: ["HTTP", "SOCKS5"])
    func distrusted(kind: String) async throws {
        try await TemporaryFolder.with { folder in
            let stranger = try TestAuthority(in: folder)
            try await TestEngine.with { engine in
                try await FakeProxy.with(kind == "HTTP" ? FakeProxy.http() : FakeProxy.socks5()) { _, address in
                    let client = engine.client {
                        $0.transport.proxy = kind == "HTTP" ? Self.http.at(address) : Self.socks.at(address)
                        $0.transport.tls.caFile = stranger.caFile
                    }
                    let place = "engine \(engine.address) through \(kind) proxy \(address): "
                    for dials in [false, true] {
                        let error = try await failure {
                            if dials { _ = try await client.dial("x") } else { _ = try await client.connect() }
                        }
                        #expect(error.what.hasPrefix(place + "the certificate is not trusted"))
                        // The fix does not name the proxy's settings.
                        let fix =
                            "name the engine's CA in transport.tls.caFile, or have the engine send its whole chain"
                        #expect(error.fix == fix)
                    }
                }
            }
        }
    }

    @Test("is verified with its own address, not with the proxy's")
    func verifiedByItsAddress() async throws {
        // The engine's certificate is for 127.0.0.1, the proxy's address, and not for 192.0.2.1, the engine's.
        try await TestEngine.with { engine in
            for steps in [FakeProxy.http(), FakeProxy.socks5()] {
                try await FakeProxy.with(at: "127.0.0.1", steps) { proxy, address in
                    let client = engine.client {
                        $0.engine = .address(.literal("192.0.2.1:\(engine.address.port)"))
                        $0.transport.proxy =
                            steps.count == 1 ? Proxy(route: .http(address)) : Proxy(route: .socks5(address))
                    }
                    let error = try await failure { _ = try await client.connect() }
                    #expect(
                        error.what.contains("proxy \(address): the certificate is not valid for \"")
                    )
                    #expect(proxy.targets.value == ["192.0.2.1:\(engine.address.port)"])
                }
            }
        }
    }

    @Test("has its name resolved by the proxy, unless a name server or a family is configured")
    func names() async throws {
        try await TestEngine.with(.with { $0.host = "engine.test" }) { engine in
            try await FakeProxy.with(FakeProxy.http()) { proxy, address in
                let name = EngineAddress.literal("engine.test:\(engine.address.port)")
                let addresses = TestResolver(["engine.test": ["2001:db8::7", "192.0.2.7"]])
                func client(_ change: (inout TransportOptions) -> Void) -> RstreamClient {
                    var options = engine.client {
                        $0.engine = .address(name)
                        $0.transport.proxy = Proxy(route: .http(address))
                    }.options
                    change(&options.transport)
                    return RstreamClient(options, addresses: addresses)
                }
                await (try client { _ in }.connect()).close()
                #expect(addresses.asked.value.isEmpty)
                await (try client { $0.ipFamily = .ipv4 }.connect()).close()
                #expect(addresses.asked.value.map(\.family) == [.ipv4])
                await (try client { $0.dns = TransportOptions.DNS(server: .literal("192.0.2.53:53")) }.connect())
                    .close()
                let port = engine.address.port
                #expect(proxy.targets.value == ["engine.test:\(port)", "192.0.2.7:\(port)", "192.0.2.7:\(port)"])
            }
        }
    }

    @Test("is dialed directly if NO_PROXY names it; redirects are checked on their own")
    func exceptions() async throws {
        try await TestEngine.with(.with { $0.faults = [Fault(.redirect)] }) { engine in
            try await FakeProxy.with(FakeProxy.http()) { proxy, address in
                let redirect = engine.engine.redirectAddress
                #expect(redirect.host == "localhost")
                func client(_ except: String) throws -> RstreamClient {
                    let environment = ProxyEnvironment(
                        proxy: try ProxyURL("http://\(address)"),
                        exceptions: ProxyException.list(except)
                    )
                    return engine.client { $0.transport.proxy = Proxy(route: .environment(environment)) }
                }
                try await doTheJob(engine, client("127.0.0.1"))
                #expect(proxy.targets.value == ["\(redirect)"])
                proxy.targets.change { $0 = [] }
                try await doTheJob(engine, client("localhost"))
                #expect(proxy.targets.value == [String](repeating: "\(engine.address)", count: 2))
                proxy.targets.change { $0 = [] }
                try await doTheJob(engine, client("*"))
                #expect(proxy.targets.value.isEmpty)
            }
        }
    }

    @Test("is reported with the proxy's own text when the proxy refuses")
    func refused() async throws {
        let (what, error) = try await expectFailure(
            Self.http,
            FakeProxy.http(answer: "HTTP/1.1 403 Not here\r\nContent-Length: 2\r\n\r\nno")
        )
        #expect(what == "failed to CONNECT: HTTP/1.1 403 Not here")
        #expect(error.origin == .host)
    }

    @Test("is reported with the setting to change when the proxy requires authentication")
    func unauthorized() async throws {
        let answer = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n"
        let (what, missing) = try await expectFailure(Self.http, FakeProxy.http(answer: answer))
        #expect(what == "failed to CONNECT: HTTP/1.1 407 Proxy Authentication Required")
        #expect(missing.fix == "set transport.proxy.username and transport.proxy.password")
        let known = Proxy(route: .http(.nowhere), credentials: Self.user)
        let (_, wrong) = try await expectFailure(known, FakeProxy.http(answer: answer))
        #expect(wrong.fix == "check transport.proxy.username and transport.proxy.password")
        let (socks, nobody) = try await expectFailure(Self.socks, FakeProxy.socks5(user: "user"))
        #expect(socks == "it wants a user name and a password")
        #expect(nobody.origin == .configuration)
        let stranger = Proxy(
            route: .socks5(.nowhere),
            credentials: Proxy.Credentials(username: "stranger", password: Secret("hidden"))
        )
        let (rejected, _) = try await expectFailure(stranger, FakeProxy.socks5(user: "user"))
        #expect(rejected == "it refused the user name and password")
    }

    @Test("is reported with the reason that a SOCKS5 proxy gives")
    func socksReply() async throws {
        let (what, error) = try await expectFailure(Self.socks, FakeProxy.socks5(reply: 5))
        #expect(what == "the engine refused its connection")
        #expect(error.origin == .engine)
    }

    @Test("is reported when the proxy closes the connection, or is not a proxy")
    func notAProxy() async throws {
        let hangup: FakeProxy.Dialogue = { FakeProxy.Step(taken: $0.count, answer: [], isLast: true) }
        #expect(try await expectFailure(Self.http, [hangup]).0 == "it closed the connection during the handshake")
        let stranger: FakeProxy.Dialogue = {
            FakeProxy.Step(taken: $0.count, answer: Array("220 ready\r\n".utf8), isLast: true)
        }
        #expect(try await expectFailure(Self.http, [stranger]).0 == "the address does not answer as such a proxy")
        #expect(try await expectFailure(Self.socks, [stranger]).0 == "the address does not answer as such a proxy")
    }

    @Test("is given up when the proxy does not answer within the connect timeout")
    func silent() async throws {
        let (what, _) = try await expectFailure(Self.http, []) { $0.timeouts.connect = .milliseconds(500) }
        #expect(what.hasSuffix("within 0.5 s"))
    }

    @Test("is reported with both addresses when the proxy is not running")
    func dead() async throws {
        try await TestServer.withDeadPort { port in
            let client = RstreamClient(
                RstreamClientOptions(
                    engine: .literal("engine.test:443"),
                    credential: .none,
                    transport: TransportOptions(proxy: Proxy(route: .http(.literal("127.0.0.1:\(port)"))))
                )
            )
            let error = try await failure { _ = try await client.connect() }
            #expect(
                error.what
                    == "engine engine.test:443 through HTTP proxy 127.0.0.1:\(port): the connection was refused"
            )
            #expect(error.fix == "check the address in transport.proxy, and that the proxy is running")
        }
    }

    @Test("a cancelled caller leaves no connection to the proxy behind", arguments: ["connect", "dial"])
    func cancelled(operation: String) async throws {
        try await TestServer.with(.manual) { server in
            let client = RstreamClient(
                RstreamClientOptions(
                    engine: .literal("engine.test:443"),
                    credential: .none,
                    transport: TransportOptions(proxy: Proxy(route: .http(.literal("127.0.0.1:\(server.port)")))),
                    timeouts: .patient
                )
            )
            let task = Task {
                if operation == "dial" { _ = try await client.dial("x") } else { _ = try await client.connect() }
            }
            let connection = try await server.connection()
            _ = try await connection.receive(asLongAs: "CONNECT engine.test:443")
            task.cancel()
            let error = try await failure { try await within("the cancelled call") { try await task.value } }
            #expect(error.retry == .never)
            try await connection.waitForClose()
        }
    }
}

extension EngineAddress {
    /// The address in a valid literal.
    static func literal(_ text: String) -> EngineAddress {
        do {
            return try EngineAddress(text)
        } catch {
            preconditionFailure("\(text) \(error)")
        }
    }

    /// A placeholder for the address that a test sets.
    static let nowhere = literal("nowhere.test:1")
}

extension Proxy {
    /// The same proxy at another address.
    func at(_ address: EngineAddress) -> Proxy {
        var proxy = self
        switch route {
        case .http: proxy.route = .http(address)
        case .https: proxy.route = .https(address)
        case .socks5: proxy.route = .socks5(address)
        case .environment: break
        }
        return proxy
    }
}

extension Proxy.Route {
    var kind: String {
        switch self {
        case .http, .https: "HTTP"
        case .socks5: "SOCKS5"
        case .environment: "no"
        }
    }
}
