// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOHTTP1
import NIOSSL
import RstreamModel
import RstreamWire

/// Decides what a new connection is for (PROTOCOL.md §1, "Sharing the port").
///
/// The ClientHello's ALPN and SNI decide: `rstrm/1` is an agent or a dialer; the name of a `tls` tunnel is a visitor
/// of it; everything else is HTTP, for a published tunnel or for the engine's own API.
final class ConnectionRouter {
    private let isRedirect: Bool
    private weak var connection: Connection?
    private var deadline: Scheduled<Void>?

    init(isRedirect: Bool) {
        self.isRedirect = isRedirect
    }

    func opened(_ connection: Connection) {
        self.connection = connection
        let engine = connection.engine
        deadline = engine.after(engine.configuration.timeouts.handshake) { [weak connection] in connection?.abort() }
    }

    /// Starts a visitor's stream of a tunnel whose TLS the engine does not terminate, or has terminated.
    static func visitor(_ connection: Connection, of tunnel: AgentTunnel) {
        guard tunnel.trusts(connection.source) else {
            connection.engine.log("visitor refused", ["tunnel": tunnel.id, "reason": "trusted_ips"])
            return connection.abort()
        }
        RawVisitor.begin(connection, of: tunnel)
    }

    func decide(_ verdict: ClientHello.Verdict, _ bytes: ByteBuffer) {
        guard let connection else { return }
        guard case .hello(let hello) = verdict else {
            connection.engine.log("not a TLS client", ["source": connection.sourceText])
            guard !isRedirect, RequestMethod.begins(bytes) else { return connection.close() }
            deadline?.cancel()
            let answer = HTTPResponse.text(.badRequest, "This port speaks TLS; the address begins with https:// here.")
            return answer.end(connection)
        }
        let engine = connection.engine
        if isRedirect, engine.faults.take(.proxyStall) {
            deadline?.cancel()
            connection.role = StalledConnection(connection)
        } else if isRedirect || hello.protocols.contains(wireALPN) {
            startAgent(connection)
        } else {
            let tunnel = hello.serverName.flatMap { engine.tunnels.published($0) }
            guard Self.protocols(of: tunnel).haveOne(of: hello.protocols) else {
                deadline?.cancel()
                engine.log("no protocol in common", ["source": connection.sourceText])
                connection.send(Self.noApplicationProtocol)
                return connection.lingeringClose()
            }
            connection.mayEndWithoutGoodbye = true
            if let tunnel, tunnel.kind != .http { return startVisitor(connection, of: tunnel) }
            start(connection, tunnel?.tls ?? engine.tls.main) { negotiated in
                VisitorSession.begin(connection, protocol: negotiated, handshakeTunnel: tunnel)
            }
        }
    }

    /// A fatal alert (RFC 7301 §3.2), which NIOSSL does not send.
    private static let noApplicationProtocol = ByteBuffer(bytes: [21, 3, 3, 0, 2, 2, 120])

    /// The protocols that the engine offers; none if the service answers the handshake.
    private static func protocols(of tunnel: AgentTunnel?) -> [String] {
        guard let tunnel else { return EdgeTLS.http }
        return tunnel.kind == .passthrough ? [] : EdgeTLS.protocols(of: tunnel.properties)
    }

    private func startAgent(_ connection: Connection) {
        let engine = connection.engine
        if engine.faults.take(.notTLS) {
            connection.send(ByteBuffer(string: "This is not TLS.\r\n"))
            return connection.close()
        }
        let isRedirect = isRedirect
        start(connection, engine.faults.take(.noALPN) ? engine.tls.withoutALPN : engine.tls.main) { _ in
            FirstFrame.begin(connection, isRedirect: isRedirect)
        }
    }

    private func startVisitor(_ connection: Connection, of tunnel: AgentTunnel) {
        guard tunnel.kind == .terminated else {
            deadline?.cancel()
            // The bytes are replayed to the connection right after this, so the stream gets them as usual.
            return Self.visitor(connection, of: tunnel)
        }
        let engine = connection.engine
        start(connection, tunnel.tls ?? engine.tls.main) { _ in
            if tunnel.properties.mtlsAuth == true, !engine.tls.isRegistered(connection.peerCertificate) {
                engine.log("visitor refused", ["tunnel": tunnel.id, "reason": "mtls_auth"])
                return connection.close()
            }
            Self.visitor(connection, of: tunnel)
        }
    }

    private func start(_ connection: Connection, _ context: NIOSSLContext, then: @escaping (String?) -> Void) {
        connection.startTLS(context) { [deadline] negotiated in
            deadline?.cancel()
            then(negotiated)
        }
    }
}

extension [String] {
    /// Whether the lists overlap, or one is empty.
    fileprivate func haveOne(of others: [String]) -> Bool {
        isEmpty || others.isEmpty || contains(where: others.contains)
    }
}

extension Connection {
    var sourceText: String { source?.description ?? "unknown" }
}
