internal import ClientConfiguration
internal import Glibc
internal import RstreamModel

extension TokenExpiry {
    /// Judges what a token says about its end.
    init(of token: Secret, now: Int64) {
        self.init(expiresAt: TokenClaims(of: token).expiresAt, now: now)
    }

    /// The wall clock, by which tokens end.
    static var now: Int64 { Int64(time(nil)) }
}

extension Client {
    /// What the client's token says about its own end. Tokens that are made at every connect never end, and neither
    /// does whatever cannot be read; connecting says why.
    public func tokenExpiry() -> TokenExpiry {
        let now = TokenExpiry.now
        switch options.credential {
        case .application, .clientCertificate, .clientCertificatePEM, .none: return .never
        case .token, .tokenProvider, .tokenFile:
            guard let token = try? options.credential.currentToken(now: now) else { return .never }
            return TokenExpiry(of: token, now: now)
        }
    }
}
