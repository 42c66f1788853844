internal import ClientConfiguration
internal import Glibc
internal import Linux
internal import RstreamModel

extension TokenExpiry {
    /// When a token ends, by its own claims.
    init(of token: Secret, now: Int64) {
        self.init(expiresAt: TokenClaims(of: token).expiresAt, now: now)
    }

    /// The wall clock, by which tokens end.
    static var now: Int64 { Int64(time(nil)) }
}

extension RstreamClientOptions {
    /// When the client's token or client certificate ends. `never` for tokens that are made at every connect, for a
    /// provider's tokens, which are not asked for here, and for a credential that cannot be read: connecting reports
    /// why. Files are read on the caller's thread.
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
    /// Reads when the client's token or client certificate ends. A
    /// ``RstreamClientOptions/Credential/tokenProvider(_:)`` is asked for a token.
    ///
    /// - Returns: The end in seconds since 1970, and whether it is near or past. `never` for tokens that are made at
    ///   every connect, for tokens without an end, and for a credential that cannot be read: ``connect()`` reports why.
    public func tokenExpiry() async -> TokenExpiry {
        guard case .tokenProvider(let provide) = options.credential else {
            return await BlockingThreads.files.run { [options] in options.credentialExpiry() }
        }
        guard let token = try? await provide() else { return .never }
        return TokenExpiry(of: token, now: TokenExpiry.now)
    }
}
