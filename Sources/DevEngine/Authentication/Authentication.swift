// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Crypto
import FoundationEssentials
package import RstreamModel

/// How agents, dialers, API callers and visitors of `token_auth` tunnels prove who they are.
package enum Authentication: Hashable, Sendable {
    /// No credential is required.
    case none
    /// One token for all.
    case token(Secret)
    /// HS256 tokens made with this secret.
    case jwt(secret: [UInt8])

    /// Whether this credential is accepted.
    func accepts(_ token: Secret?, now: Date = Date()) -> Bool {
        switch self {
        case .none: true
        case .token(let expected):
            // Digests compare in constant time; texts do not.
            token.map { Self.digest($0) == Self.digest(expected) } ?? false
        case .jwt(let secret):
            token.map { JSONWebToken.isValid($0.reveal(), secret: secret, now: now) } ?? false
        }
    }

    private static func digest(_ secret: Secret) -> SHA256.Digest {
        SHA256.hash(data: Array(secret.reveal().utf8))
    }
}
