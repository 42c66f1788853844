internal import NIOCore
internal import NIOSSL
internal import RstreamModel

/// Starts TLS as a client. It is the only place that does: for every peer BoringSSL verifies the chain and
/// ``CertificateJudge`` the rest, before anything is said that only the right one may hear, the client's certificate
/// included.
enum TLSClient {
    /// What is asked of the other end, which is called for by a DNS name or an IP address.
    enum Check {
        /// A certificate of that name.
        case name
        /// Nothing (`insecureSkipVerify`).
        case nothing
        /// Its certificates, which the closure is shown, its own first. TLS ends there.
        case inspection(@Sendable ([NIOSSLCertificate]) -> Void)
    }

    /// What to add to a pipeline. An error of the judge comes out of it as ``CertificateFlaw``.
    static func handlers(
        _ context: NIOSSLContext,
        to name: String,
        check: Check = .name
    ) throws -> [any ChannelHandler] {
        switch check {
        case .name:
            let judgement = Judgement(CertificateJudge(name: name))
            let maker: any JudgingHandlerMaker.Type = NIOSSLHandlerMaker.self
            let tls = try maker.makeHandler(context, serverHostname: sentName(name)) { judgement.judge($0, $1) }
            judgement.tls = tls
            return [tls, JudgementHandler(judgement)]
        case .nothing:
            return [try NIOSSLClientHandler(context: context, serverHostname: sentName(name))]
        case .inspection(let inspect):
            let tls = try NIOSSLClientHandler(
                context: context,
                serverHostname: sentName(name),
                customVerificationCallback: { chain, promise in
                    inspect(chain)
                    promise.succeed(.failed)
                }
            )
            return [tls]
        }
    }

    /// An IP literal is not sent as a name (RFC 6066 §3).
    private static func sentName(_ name: String) -> String? { IPAddress(name) == nil ? name : nil }
}

/// Makes a handler that asks about every certificate of a chain that was verified, the anchor first and the leaf last.
///
/// NIOSSL calls its initializer for that deprecated, because on macOS nothing is asked. Its other ways either replace
/// BoringSSL's verification, or show the leaf alone and only when the client's own certificate has been sent. A protocol
/// stands in between because a use of what is deprecated would be an error.
private protocol JudgingHandlerMaker {
    static func makeHandler(
        _ context: NIOSSLContext,
        serverHostname: String?,
        _ judge: @escaping NIOSSLVerificationCallback
    ) throws -> NIOSSLClientHandler
}

private enum NIOSSLHandlerMaker: JudgingHandlerMaker {
    @available(*, deprecated, message: "NIOSSL's initializer is")
    static func makeHandler(
        _ context: NIOSSLContext,
        serverHostname: String?,
        _ judge: @escaping NIOSSLVerificationCallback
    ) throws -> NIOSSLClientHandler {
        try NIOSSLClientHandler(context: context, serverHostname: serverHostname, verificationCallback: judge)
    }
}
