import DevEngine
import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

/// Proxies that other people wrote: tinyproxy for HTTP, microsocks for SOCKS5.
@Suite("An engine behind a real proxy", .serialized, .timeLimit(.minutes(2)))
struct RealProxyTests {
    enum Kind: String, Sendable, CaseIterable {
        case http
        case socks5

        func route(_ port: Int) throws -> Proxy.Route {
            let address = try EngineAddress("127.0.0.1:\(port)")
            return switch self {
            case .http: .http(address)
            case .socks5: .socks5(address)
            }
        }
    }

    private static let user = Proxy.Credentials(username: "courier", password: Secret("hidden"))

    /// Runs a proxy on a free port until `body` returns. A port that was free may be taken when the proxy binds it;
    /// then it ends, and another one is tried.
    private func withProxy(
        _ kind: Kind,
        user: Proxy.Credentials? = nil,
        _ body: (Int) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            for attempt in 0..<5 {
                let port = try await TestServer.withDeadPort { $0 }
                let process = try await start(kind, port, user, in: folder)
                guard await isServing(process, port) else {
                    await process.kill()
                    #expect(attempt < 4, "\(kind) proxy: \(process.errors.all + process.output.all)")
                    continue
                }
                do {
                    try await body(port)
                    await process.kill()
                } catch {
                    await process.kill()
                    throw error
                }
                return
            }
        }
    }

    private func start(
        _ kind: Kind,
        _ port: Int,
        _ user: Proxy.Credentials?,
        in folder: TemporaryFolder
    ) async throws -> ProcessHandle {
        switch kind {
        case .http:
            let login = user.map { "BasicAuth \($0.username) \($0.password.reveal())" } ?? ""
            let settings = "Port \(port)\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nLogLevel Info\n\(login)\n"
            let file = try folder.write(settings, to: "tinyproxy.conf")
            return try await ProcessHandle.start("/usr/bin/tinyproxy", ["-d", "-c", file])
        case .socks5:
            let login = user.map { ["-u", $0.username, "-P", $0.password.reveal()] } ?? []
            return try await ProcessHandle.start("/usr/bin/microsocks", ["-i", "127.0.0.1", "-p", "\(port)"] + login)
        }
    }

    /// Waits until somebody answers at the port, as long as the process lives.
    private func isServing(_ process: ProcessHandle, _ port: Int) async -> Bool {
        for _ in 0..<500 where process.isRunning {
            if let visitor = try? await TestConnection.connect(toPort: port) {
                await visitor.close()
                return process.isRunning
            }
            // There is no event to wait for: neither of them says when it listens.
            try? await Task.sleep(for: .milliseconds(20))
        }
        return false
    }

    @Test("does its job: control channel, tunnels, streams, bytes", arguments: Kind.allCases, [nil, user])
    func job(kind: Kind, user: Proxy.Credentials?) async throws {
        try await withProxy(kind, user: user) { port in
            try await TestEngine.with { engine in
                let route = try kind.route(port)
                let client = engine.client {
                    // The proxy resolves this one.
                    $0.engine = .address(.literal("localhost:\(engine.address.port)"))
                    $0.transport.proxy = Proxy(route: route, credentials: user)
                }
                let control = try await client.connect()
                let tunnel = try await control.createTunnel(unpublished())
                let bytes = ByteBuffer.pattern(3_000_000)
                for zeroRTT in [true, false] {
                    let dialed = try await client.dial("private", zeroRTT: zeroRTT).take()
                    let accepted = try await tunnel.next().take(echo: true)
                    async let sent: Void = dialed.send(bytes)
                    #expect(try await dialed.receive(bytes.readableBytes) == bytes)
                    try await sent
                    // Neither of these proxies knows an end of one direction.
                    await dialed.close()
                    await accepted.close()
                }
                await control.close()
                #expect(await control.waitUntilClosed() == nil)
                try await engine.waitUntilDeserted()
            }
        }
    }

    @Test("is not reached with wrong credentials or without, and the error says so", arguments: Kind.allCases)
    func credentials(kind: Kind) async throws {
        try await withProxy(kind, user: Self.user) { port in
            try await TestEngine.with { engine in
                let stranger = Proxy.Credentials(username: "courier", password: Secret("wrong-word"))
                for credentials in [nil, stranger] {
                    let route = try kind.route(port)
                    let client = engine.client { $0.transport.proxy = Proxy(route: route, credentials: credentials) }
                    let error = try await failure { _ = try await client.connect() }
                    #expect(error.code == .engineUnreachable)
                    #expect(error.retry == .afterBackoff)
                    #expect(error.origin == .configuration)
                    #expect(error.what.contains("proxy 127.0.0.1:\(port): "))
                    #expect(error.fix?.contains("transport.proxy.username") == true)
                    #expect(!"\(error)".contains("wrong-word"))
                }
                #expect(try await engine.engine.statistics().controlConnectsTotal == 0)
            }
        }
    }

    @Test("is reported when the proxy cannot reach it", arguments: Kind.allCases)
    func unreachable(kind: Kind) async throws {
        try await withProxy(kind) { port in
            try await TestServer.withDeadPort { dead in
                let client = Client(
                    ClientOptions(
                        engine: .literal("127.0.0.1:\(dead)"),
                        credential: .none,
                        transport: TransportOptions(proxy: Proxy(route: try kind.route(port)))
                    )
                )
                let error = try await failure { _ = try await client.connect() }
                #expect(error.code == .engineUnreachable)
                switch kind {
                case .http: #expect(error.what.contains("failed to CONNECT: HTTP/1."))
                case .socks5: #expect(error.what.hasSuffix("the engine refused its connection"))
                }
            }
        }
    }
}
