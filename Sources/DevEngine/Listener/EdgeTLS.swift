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
    /// Towards services that want TLS themselves; a development engine does not verify them.
    let upstream: NIOSSLContext
    /// The same towards those that speak HTTP, of either version.
    let upstreamHTTP: NIOSSLContext
    private let base: TLSConfiguration

    /// The schemes by which agents and services may prove their certificates: what OpenSSL and Go take by default.
    /// BoringSSL's own list leaves P-521 and Ed25519 out.
    private static let signatureAlgorithms: [SignatureAlgorithm] = [
        .ecdsaSecp256R1Sha256, .rsaPssRsaeSha256, .ed25519, .rsaPkcs1Sha256, .ecdsaSecp384R1Sha384, .rsaPssRsaeSha384,
        .rsaPkcs1Sha384, .ecdsaSecp521R1Sha512, .rsaPssRsaeSha512, .rsaPkcs1Sha512,
    ]
    private static let groups: [NIOTLSCurve] = [.x25519_MLKEM768, .x25519, .secp256r1, .secp384r1, .secp521r1]

    /// What visitors of the HTTP edge may speak, the better one first.
    static let http = ["h2", "http/1.1"]

    private let registered: Set<[UInt8]>

    init(certificate: NIOSSLCertificate, key: NIOSSLPrivateKey, registered: [NIOSSLCertificate]) throws {
        var base = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(certificate)],
            privateKey: .privateKey(key)
        )
        base.minimumTLSVersion = .tlsv12
        base.verifySignatureAlgorithms = Self.signatureAlgorithms
        base.curves = Self.groups
        // Asking for a certificate makes some clients ask their user, so nobody is asked without need.
        base.certificateVerification = registered.isEmpty ? .none : .optionalVerification
        // A registered certificate is known by its bytes; NIOSSL would read the system's store, and fail where there is none.
        base.trustRoots = .certificates([])
        base.shutdownTimeout = .seconds(2)
        self.base = base
        self.registered = Set(try registered.map { try $0.toDERBytes() })
        withoutALPN = try NIOSSLContext(configuration: base)
        base.applicationProtocols = [wireALPN] + Self.http
        main = try NIOSSLContext(configuration: base)
        var client = TLSConfiguration.makeClientConfiguration()
        client.certificateVerification = .none
        client.verifySignatureAlgorithms = Self.signatureAlgorithms
        client.curves = Self.groups
        client.applicationProtocols = ["http/1.1"]
        upstream = try NIOSSLContext(configuration: client)
        client.applicationProtocols = Self.http
        upstreamHTTP = try NIOSSLContext(configuration: client)
    }

    var knowsCertificates: Bool { !registered.isEmpty }

    func isRegistered(_ certificate: [UInt8]?) -> Bool {
        certificate.map(registered.contains) ?? false
    }

    /// What is offered to visitors of this tunnel; nothing where that is theirs and the service's to know.
    static func protocols(of properties: TunnelProperties) -> [String] {
        properties.protocol == "http" && properties.tlsALPNs.isEmpty ? http : properties.tlsALPNs
    }

    /// What visitors of this tunnel are met with; nil when it asks for nothing special.
    func context(for properties: TunnelProperties) throws(EngineError) -> NIOSSLContext? {
        let isHTTP = properties.protocol == "http"
        if isHTTP, properties.tlsMinVersion == nil, properties.tlsCiphers.isEmpty, properties.tlsALPNs.isEmpty {
            return nil
        }
        var configuration = base
        configuration.minimumTLSVersion = properties.tlsMinVersion == "tls1.3" ? .tlsv13 : .tlsv12
        configuration.applicationProtocols = Self.protocols(of: properties)
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
