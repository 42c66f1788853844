internal import ClientConfiguration
internal import Glibc
internal import Linux
internal import RstreamModel

extension TokenExpiry {
    /// Judges what a token says about its end.
    init(of token: Secret, now: Int64) {
        self.init(expiresAt: TokenClaims(of: token).expiresAt, now: now)
    }

    /// The wall clock, by which tokens end.
    static var now: Int64 { Int64(time(nil)) }
}

extension RstreamClientOptions {
    /// What the client's credential, a token or a client certificate, says about its own end. Tokens that are made at every
    /// connect never end, and neither does whatever cannot be read; connecting says why. What a provider would say is not
    /// known here. Files are read by the caller's thread.
    package func credentialExpiry() -> TokenExpiry {
        let now = TokenExpiry.now
        switch credential {
        case .tokenProvider, .application, .none: return .never
        case .clientCertificate, .clientCertificatePEM:
            return TokenExpiry(expiresAt: ClientIdentity(credential).validity?.end, now: now)
        case .token, .tokenFile:
            guard let token = try? credential.storedToken(now: now) else { return .never }
            return TokenExpiry(of: token, now: now)
        }
    }
}

extension RstreamClient {
    /// What the client's credential, a token or a client certificate, says about its own end; a provider of tokens is asked
    /// for one. Tokens that are made at every connect never end, and neither does whatever cannot be read; connecting says
    /// why.
    public func tokenExpiry() async -> TokenExpiry {
        guard case .tokenProvider(let provide) = options.credential else {
            return await BlockingThreads.files.run { [options] in options.credentialExpiry() }
        }
        guard let token = try? await provide() else { return .never }
        return TokenExpiry(of: token, now: TokenExpiry.now)
    }
}
