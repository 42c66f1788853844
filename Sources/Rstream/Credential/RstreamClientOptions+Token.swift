// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamModel

extension RstreamClientOptions {
    /// The token for a new connection; nil if the credential has none.
    ///
    /// A malformed or expired token is refused here, wherever it comes from. An engine only rejects it without saying
    /// why.
    func token(now: Int64 = TokenExpiry.now) async throws(RstreamError) -> Secret? {
        let token: Secret?
        if case .tokenProvider(let provide) = credential {
            token = try await provide()
        } else {
            // The token may be in a file, and the caller may be on an event loop.
            token = try await BlockingThreads.files.tryRun { [credential] () throws(RstreamError) in
                try credential.storedToken(now: now)
            }
        }
        if let token { try check(token, now: now) }
        return token
    }

    /// Throws if the client's token is malformed or has expired.
    func check(_ token: Secret, now: Int64 = TokenExpiry.now) throws(RstreamError) {
        do throws(TokenText.Problem) {
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
    }
}

extension RstreamClientOptions.Credential {
    /// The current token, expired or not; nil for a token provider, and if the credential has no token.
    func storedToken(now: Int64) throws(RstreamError) -> Secret? {
        switch self {
        case .token(let token): token
        case .tokenFile(let path, let isSystemdCredential):
            try SecretFile.token(path, isTrusted: isSystemdCredential)
        case .application(let application): try ApplicationToken.make(application, now: now)
        case .tokenProvider, .clientCertificate, .hardwareKey, .clientCertificatePEM, .none: nil
        }
    }

    fileprivate var expired: RstreamError {
        let (fix, retry): (String, RstreamError.Retry) =
            switch self {
            case .tokenFile(_, isSystemdCredential: true):
                ("replace what LoadCredential= of the unit names, and restart the service", .afterBackoff)
            case .tokenFile(let path, isSystemdCredential: false): ("write a new token to \(path)", .afterBackoff)
            // The provider may have a new token soon.
            case .tokenProvider: ("provide a new one", .afterBackoff)
            case .token, .application, .clientCertificate, .hardwareKey, .clientCertificatePEM, .none:
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
