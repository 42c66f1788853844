// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// What the command lines of `rstreamctl publish` and `rstreamd publish` have in common: the words of their options and
/// the rules for them. Each program reads its own command line.
package enum PublishWords {
    /// What visitors speak.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case http
        case tls
        case tcp

        /// The protocol to ask for: HTTP unless `kind` says otherwise, and none for a private tunnel.
        package static func wanted(_ kind: Kind?, isPrivate: Bool) -> Kind? { kind ?? (isPrivate ? nil : .http) }
    }

    package static let target = "PORT, HOST:PORT or unix:PATH: where visitors are led to."
    package static let kind = "What visitors speak: http, which is the default, tls or tcp."
    package static let hostname = "The host name to ask for."
    package static let isPrivate = "Open a private tunnel, which only programs with a dial reach."
    package static let lasts = "Close it after this time, as in 90m or 2h."

    /// How long the tunnel may last, from an argument: one word, so that there is no blank in it.
    package static func duration(_ text: String) -> Duration? {
        guard !text.utf8.contains(UInt8(ascii: " ")), let duration = Duration(configured: text), duration > .zero,
            duration <= .longestConfigured
        else { return nil }
        return duration
    }

    /// What is wrong with an argument that is no ``duration(_:)``.
    package static let noDuration = "--for takes a duration, as in 90m or 2h"

    /// Why two options exclude each other; nil where they do not.
    package static func conflict(isPrivate: Bool, hostname: String?) -> String? {
        isPrivate && hostname != nil ? "--private and --hostname do not go together" : nil
    }
}
