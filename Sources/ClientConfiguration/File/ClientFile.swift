// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#if ConfigurationFiles
package import RstreamModel
package import YAML

/// The official tools' configuration file as it is written (CONFIG.md §3). What of it counts is decided by
/// ``ResolvedClient``.
package struct ClientFile: Hashable, Sendable {
    /// `defaults.context.name`.
    package var defaultContext: String?
    /// Entries of `environments` that have an `apiUrl`.
    package var environments: [Entry] = []
    /// Entries of `contexts` that have a `name`.
    package var contexts: [Entry] = []

    /// A file without anything in it, which a missing one counts as.
    package init() {}

    /// An entry of `contexts`, or of `environments`, which has fewer keys.
    package struct Entry: Hashable, Sendable {
        package var name: String?
        package var apiURL: String?
        package var projectEndpoint: String?
        package var engine: String?
        package var region: String?
        package var headers: [String: String] = [:]
        package var auth = Auth()
        package var transport = TransportFields()
        /// Where the keys stand, by their dotted names; the entry itself under the empty name.
        package var places: [String: Span] = [:]
    }

    /// An `auth` key.
    package struct Auth: Hashable, Sendable {
        package var token: TokenStorage?
        package var mtls: MTLS?

        /// Whether it says anything, so that it replaces that of the environment.
        package var isSet: Bool { token != nil || mtls != nil }
    }

    /// `auth.token.storage`.
    package struct TokenStorage: Hashable, Sendable {
        package var kind: String?
        package var value: Secret?
    }

    /// `auth.mtls`. Paths are as they shall be opened.
    package struct MTLS: Hashable, Sendable {
        package var certificate: String?
        package var key: Secret?
        package var certificateFile: String?
        package var keyFile: String?
        package var storage: Storage?

        /// `auth.mtls.storage`, which is understood well enough to say why it cannot be used.
        package struct Storage: Hashable, Sendable {
            package var kind: String?
            /// The other keys that say something.
            package var keys: Set<String> = []
        }
    }
}
#endif
