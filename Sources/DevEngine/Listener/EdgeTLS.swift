import NIOCore
import NIOSSL
import RstreamModel
import RstreamWire

/// The engine's TLS: one certificate for all its names, and the settings that single tunnels ask for.
struct EdgeTLS {
    /// Agents, the API and http tunnels.
    let main: NIOSSLContext
    /// The same, selecting no application protocol.
    let withoutALPN: NIOSSLContext
    /// Towards upstreams that want TLS themselves; a development engine does not verify them.
    let upstream: NIOSSLContext
    private let base: TLSConfiguration
    private let registered: Set<[UInt8]>

    init(certificate: NIOSSLCertificate, key: NIOSSLPrivateKey, registered: [NIOSSLCertificate]) throws {
        var base = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(certificate)],
            privateKey: .privateKey(key)
        )
        base.minimumTLSVersion = .tlsv12
        // Asking for a certificate makes some clients ask their user, so nobody is asked without need.
        base.certificateVerification = registered.isEmpty ? .none : .optionalVerification
        base.shutdownTimeout = .seconds(2)
        self.base = base
        self.registered = Set(try registered.map { try $0.toDERBytes() })
        withoutALPN = try NIOSSLContext(configuration: base)
        base.applicationProtocols = [wireALPN, "http/1.1"]
        main = try NIOSSLContext(configuration: base)
        var client = TLSConfiguration.makeClientConfiguration()
        client.certificateVerification = .none
        client.applicationProtocols = ["http/1.1"]
        upstream = try NIOSSLContext(configuration: client)
    }

    func isRegistered(_ certificate: [UInt8]?) -> Bool {
        certificate.map(registered.contains) ?? false
    }

    /// What visitors of this tunnel are met with; nil when it asks for nothing special.
    func context(for properties: TunnelProperties) throws(EngineError) -> NIOSSLContext? {
        let isHTTP = properties.protocol == "http"
        if isHTTP, properties.tlsMinVersion == nil, properties.tlsCiphers.isEmpty { return nil }
        var configuration = base
        configuration.minimumTLSVersion = properties.tlsMinVersion == "tls1.3" ? .tlsv13 : .tlsv12
        configuration.applicationProtocols = isHTTP ? ["http/1.1"] : properties.tlsALPNs
        // The suites of TLS 1.3 cannot be chosen; what is left applies to 1.2.
        let suites = properties.tlsCiphers.filter { !CipherNames.tls13.contains($0) }
        if !suites.isEmpty { configuration.cipherSuites = suites.joined(separator: ":") }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw EngineError(code: .invalidRequest, message: "TLS settings are not usable.")
        }
    }
}
