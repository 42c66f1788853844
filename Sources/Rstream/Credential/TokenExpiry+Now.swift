// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ClientConfiguration
internal import Glibc
internal import Linux
internal import RstreamModel

extension TokenExpiry {
    /// Reads the expiry of a token, without verifying the token.
    init(of token: Secret, now: Int64) {
        self.init(expiresAt: TokenClaims(of: token).expiresAt, now: now)
    }

    /// The wall clock, in seconds since 1970.
    static var now: Int64 { Int64(time(nil)) }
}

extension RstreamClientOptions {
    /// When the credential, a token or a client certificate, expires.
    ///
    /// `.never` for tokens that are made at every connect, for a token provider, and for a credential that cannot be
    /// read; a connect reports the last. Blocks on the disk.
    package func credentialExpiry() -> TokenExpiry {
        let now = TokenExpiry.now
        switch credential {
        case .tokenProvider, .application, .none: return .never
        case .clientCertificate, .hardwareKey, .clientCertificatePEM:
            return TokenExpiry(expiresAt: ClientIdentity(credential).validity?.end, now: now)
        case .token, .tokenFile:
            guard let token = try? credential.storedToken(now: now) else { return .never }
            return TokenExpiry(of: token, now: now)
        }
    }
}

extension RstreamClient {
    /// When the client's credential, a token or a client certificate, expires. A token provider is asked for a token.
    ///
    /// - Returns: The expiry; `.never` for tokens that are made at every connect, and for a credential that cannot be
    ///   read, which ``connect()`` reports.
    public func tokenExpiry() async -> TokenExpiry {
        guard case .tokenProvider(let provide) = options.credential else {
            return await BlockingThreads.files.run { [options] in options.credentialExpiry() }
        }
        guard let token = try? await provide() else { return .never }
        return TokenExpiry(of: token, now: TokenExpiry.now)
    }
}
