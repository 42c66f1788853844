import FoundationEssentials
import NIOCore
import NIOSSL
import RstreamModel
import RstreamSocket

/// A granted tunnel. It belongs to its control channel and ends with it.
final class AgentTunnel {
    /// How visitors come to it.
    enum Kind {
        /// Only by private dial.
        case unpublished
        /// By the Host of their request.
        case http
        /// By the name in their handshake, which ends here.
        case terminated
        /// By the name in their handshake, which the upstream answers.
        case passthrough
        /// By a port of its own.
        case tcp
    }

    let id: String
    let kind: Kind
    let created: Date
    let tls: NIOSSLContext?
    private(set) weak var owner: AgentSession?
    /// What the agent was told.
    private(set) var properties: TunnelProperties
    private(set) var isOpen = true
    private let trusted: [IPPrefix]
    private var listener: (any Channel)?

    init(id: String, judged: TunnelProperties, tls: NIOSSLContext?, owner: AgentSession) {
        self.id = id
        self.tls = tls
        self.owner = owner
        kind = Self.kind(of: judged)
        created = Date()
        trusted = judged.trustedIPs.compactMap { IPPrefix($0) }
        properties = judged
        properties.id = id
        properties.creationDate = Timestamp(seconds: Int64(created.timeIntervalSince1970))
        if kind == .terminated { properties.tlsMode = "terminated" }
    }

    static func kind(of judged: TunnelProperties) -> Kind {
        guard judged.publish == true else { return .unpublished }
        switch judged.protocol {
        case "http": return .http
        case "tcp": return .tcp
        default: return judged.tlsMode == "passthrough" ? .passthrough : .terminated
        }
    }

    /// Takes the published address that the engine found for it.
    func publish(hostname: String, port: Int, listener: (any Channel)? = nil) {
        properties.hostname = hostname
        properties.port = UInt32(clamping: port)
        self.listener = listener
    }

    /// Whether a visitor from there may come in.
    func trusts(_ source: IPAddress?) -> Bool {
        guard !trusted.isEmpty else { return true }
        guard let source else { return false }
        return trusted.contains { $0.contains(source) }
    }

    /// Closes its own port, if it has one. Streams that are already relayed go on.
    func close() {
        isOpen = false
        if let listener { ListeningSocket.closeNow(listener) }
        listener = nil
    }
}
