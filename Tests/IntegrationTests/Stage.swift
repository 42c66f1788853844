// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import RstreamAdmin
import RstreamTestSupport

/// A daemon with a tunnel and a listener for every ending, and what they lead to.
struct Stage: Sendable {
    let pair: Pair
    let admin: AdminClient
    /// Published ports, by what is behind them.
    let raw, echoing, limited, resetting, missing: Int
    /// Local ports that dial a tunnel, and one that is not there.
    let listener, nobody: Int
    /// Services on this host: one that resets whoever connects, and one that does not answer.
    let resetter, silent: Int
    private let tunnels: String
    private let listeners: String

    private static let settings = "reconnect: { minimum: 10ms, maximum: 20ms, rejected: 20ms }\ndrain: { timeout: 1s }"

    /// Runs a body on a stage whose tunnels are open.
    static func with(_ body: (Stage) async throws -> Void) async throws {
        try await Upstream.exchanging { upstream in
            try await Upstream.serving {
                [Resetter()]
            } during: { resetter in
                try await TestServer.with(.echo) { echo in
                    try await TestServer.withDeadPort { missing in
                        try await TestServer.withFullQueue { silent in
                            try await with((upstream.port, echo.port, resetter.port, missing, silent), body)
                        }
                    }
                }
            }
        }
    }

    private typealias Services = (exchanging: Int, echo: Int, resetter: Int, missing: Int, silent: Int)

    private static func with(_ services: Services, _ body: (Stage) async throws -> Void) async throws {
        let ports = try await TestServer.withDeadPort { first in try await TestServer.withDeadPort { (first, $0) } }
        let tunnels = """
              - { name: raw, forward: "127.0.0.1:\(services.exchanging)", tunnel: { protocol: tcp } }
              - { name: echoing, forward: "127.0.0.1:\(services.echo)", tunnel: { protocol: tcp } }
              - { name: limited, forward: "127.0.0.1:\(services.echo)", limits: { streams: 1 }, tunnel: { protocol: tcp } }
              - { name: resetting, forward: "127.0.0.1:\(services.resetter)", tunnel: { protocol: tcp } }
              - { name: missing, forward: "127.0.0.1:\(services.missing)", tunnel: { protocol: tcp } }
              - { name: private, forward: "127.0.0.1:\(services.exchanging)", tunnel: { publish: false } }
            """
        let listeners = """
            listeners:
              - { name: private, listen: "127.0.0.1:\(ports.0)", dial: private }
              - { name: nobody, listen: "127.0.0.1:\(ports.1)", dial: nobody }
            """
        let first = "\(tunnels)\n\(spare(""))\n\(listeners)"
        try await Pair.with(tunnels: first, settings: settings) { pair in
            let admin = AdminClient(socket: "\(pair.folder.path)/run/admin.sock", timeouts: .long)
            func port(_ name: String) async throws -> Int { try await pair.engine.tunnel(name).port ?? 0 }
            let stage = Stage(
                pair: pair,
                admin: admin,
                raw: try await port("raw"),
                echoing: try await port("echoing"),
                limited: try await port("limited"),
                resetting: try await port("resetting"),
                missing: try await port("missing"),
                listener: ports.0,
                nobody: ports.1,
                resetter: services.resetter,
                silent: services.silent,
                tunnels: tunnels,
                listeners: listeners
            )
            try await stage.ready()
            try await body(stage)
        }
    }

    private static func spare(_ properties: String) -> String {
        let more = properties.isEmpty ? "" : ", \(properties)"
        return "  - { name: spare, forward: \"127.0.0.1:9\", tunnel: { publish: false\(more) } }"
    }

    // MARK: What is done on it

    /// A visitor that says something and stays to the end, whatever that is.
    static func visit(_ port: Int) async throws {
        let visitor: TestConnection
        do {
            visitor = try await TestConnection.connect(toPort: port)
        } catch let error as IOError where error.errnoCode == ECONNRESET {
            // The end has come before the beginning was looked at.
            return
        }
        try? await visitor.send("x")
        try? await visitor.finish()
        try await visitor.state.wait(for: "the end of a visit") { $0.isOver }
        await visitor.close()
    }

    /// A client of the admin socket that has said this.
    func client(_ words: String) async throws -> TestConnection {
        let address = try SocketAddress(unixDomainSocketPath: "\(pair.folder.path)/run/admin.sock")
        while true {
            do {
                let client = try await TestConnection.connect(to: address)
                try? await client.send(words)
                return client
            } catch let error as IOError where error.errnoCode == EAGAIN {
                // The backlog is full. A connect that blocks would wait for the daemon; this one asks again.
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    /// Reloads a configuration that differs in this from the one at the start: properties of a tunnel, a second context
    /// with a credential and an engine's port, a further listener, other settings.
    func reload(
        spare properties: String = "",
        context credential: String? = nil,
        of port: Int = 0,
        listener address: String? = nil,
        more: String = ""
    ) async throws {
        var tunnels = "\(tunnels)\n\(Self.spare(properties))"
        var text = ""
        if let credential {
            tunnels += "\n  - { name: second, context: second, forward: \"127.0.0.1:9\", tunnel: { publish: false } }"
            let transport = "transport: { tls: { caFile: \(pair.engine.caFile) } }"
            text = "  second: { engine: \"localhost:\(port)\", \(credential), \(transport) }\n"
        }
        tunnels += "\n\(listeners)"
        if let address { tunnels += "\n  - { name: further, listen: \"\(address)\", dial: nobody }" }
        try pair.write(tunnels: tunnels, settings: "\(text)\(Self.settings)\n\(more)")
        let reload = try await pair.daemon.reload()
        guard reload.outcome != ProcessDaemon.Reload.refused else {
            throw Broken("\(reload)")
        }
    }

    /// Writes the authority's certificates anew, and has them used.
    func changeCredential(_ number: Int) async throws {
        let text = try pair.folder.read("engine/ca.pem")
        let certificates = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.joined(separator: "\n")
        try pair.folder.replace("engine/ca.pem", with: "# \(number)\n\(certificates)\n")
        let mark = pair.daemon.mark
        _ = try await admin.call(.reconnect(context: "main"))
        try await pair.daemon.logged("engine connected", from: mark)
    }

    /// Waits until everything is as the configuration wants it.
    func ready() async throws {
        let admin = admin
        try await within("a daemon that is ready") {
            while (try? await admin.call(.ready)) == nil { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    /// Waits until nothing goes on any more.
    func settle() async throws {
        try await ready()
        try await pair.engine.wait { $0.relays == 0 && $0.waitingStreams == 0 }
        let admin = admin
        try await within("the end of all streams") {
            while try await admin.call(.status, as: DaemonStatus.self).streams.active > 0 {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }
}

/// Resets whoever connects.
private final class Resetter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelActive(context: ChannelHandlerContext) {
        if let socket = context.channel as? any SocketOptionProvider {
            socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenFailure { _ in }
        }
        context.close(promise: nil)
    }
}
