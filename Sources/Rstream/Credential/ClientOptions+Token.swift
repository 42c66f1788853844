internal import RstreamModel

extension ClientOptions {
    /// The token for a connection that is about to be made; nil where none is shown.
    ///
    /// Wherever it comes from, one that cannot be a token goes nowhere. One that has expired is refused here: the engine
    /// would say no more than that it does not like it.
    func token(now: Int64 = TokenExpiry.now) throws(RstreamError) -> Secret? {
        guard let token = try credential.currentToken(now: now) else { return nil }
        do throws(TokenText.Flaw) {
            try TokenText.check(token)
        } catch {
            throw RstreamError(
                code: .authRequired,
                origin: .configuration,
                retry: .afterReload,
                what: "the token \(error)",
                fix: "configure one line of printable characters"
            )
        }
        if case .expired = TokenExpiry(of: token, now: now) { throw credential.expired }
        return token
    }
}

extension ClientOptions.Credential {
    /// The token as it is now, expired or not.
    func currentToken(now: Int64) throws(RstreamError) -> Secret? {
        switch self {
        case .token(let token): token
        case .tokenProvider(let provide): try provide()
        case .tokenFile(let path, let isSystemdCredential):
            try SecretFile.token(path, isTrusted: isSystemdCredential)
        case .application(let application): try ApplicationToken.make(application, now: now)
        case .clientCertificate, .clientCertificatePEM, .none: nil
        }
    }

    fileprivate var expired: RstreamError {
        let (fix, retry): (String, RstreamError.Retry) =
            switch self {
            case .tokenFile(let path, _): ("write a new token to \(path)", .afterBackoff)
            // Whoever provides it may have another one soon.
            case .tokenProvider: ("provide a new one", .afterBackoff)
            case .token, .application, .clientCertificate, .clientCertificatePEM, .none:
                ("run rstream login, or configure a new one", .afterReload)
            }
        return RstreamError(
            code: .tokenExpired,
            origin: .configuration,
            retry: retry,
            what: "token has expired",
            fix: fix
        )
    }
}
