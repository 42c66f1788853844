import NIOCore
import NIOHTTP1
import NIOSSL
import RstreamModel
import RstreamWire

/// Finds out who a new connection is for (PROTOCOL.md §1, "Sharing the port").
///
/// The ClientHello's ALPN and SNI decide: `rstrm/1` is an agent or a dialer; the name of a `tls` tunnel is a visitor
/// of it; everything else is HTTP, for a published tunnel or for the engine's own API.
final class Arrival {
    private let isRedirect: Bool
    private weak var connection: Connection?
    private var deadline: Scheduled<Void>?

    init(isRedirect: Bool) {
        self.isRedirect = isRedirect
    }

    func opened(_ connection: Connection) {
        self.connection = connection
        let engine = connection.engine
        deadline = engine.after(engine.configuration.patience.handshake) { [weak connection] in connection?.abort() }
    }

    /// A visitor that needs no TLS from us; it is the start of every raw tunnel.
    static func visitor(_ connection: Connection, of tunnel: Tunnel, early: ByteBuffer = ByteBuffer()) {
        guard tunnel.trusts(connection.source) else {
            connection.engine.log("visitor refused", ["tunnel": tunnel.id, "reason": "trusted_ips"])
            return connection.abort()
        }
        InboundStream.begin(tunnel: tunnel, visitor: connection, greeting: .none, early: early)
    }

    func decide(_ verdict: ClientHello.Verdict, _ bytes: ByteBuffer) {
        guard let connection else { return }
        guard case .hello(let hello) = verdict else {
            connection.engine.log("not a TLS client", ["source": connection.sourceText])
            guard !isRedirect, RequestMethod.begins(bytes) else { return connection.close() }
            deadline?.cancel()
            let answer = HTTPAnswer.text(.badRequest, "This port speaks TLS; the address begins with https:// here.")
            return answer.send(to: connection)
        }
        let engine = connection.engine
        if isRedirect, engine.faults.take(.proxyStall) {
            deadline?.cancel()
            connection.role = Stalled(connection)
        } else if isRedirect || hello.protocols.contains(wireALPN) {
            startAgent(connection)
        } else if let name = hello.serverName, let tunnel = engine.tunnels.published(name), tunnel.kind != .http {
            connection.mayEndWithoutGoodbye = true
            startVisitor(connection, of: tunnel, bytes)
        } else {
            connection.mayEndWithoutGoodbye = true
            let tunnel = hello.serverName.flatMap { engine.tunnels.published($0) }
            start(connection, tunnel?.tls ?? engine.tls.main) { _ in HTTPVisitor.begin(connection) }
        }
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

    private func startVisitor(_ connection: Connection, of tunnel: Tunnel, _ bytes: ByteBuffer) {
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

extension Connection {
    var sourceText: String { source?.description ?? "unknown" }
}
