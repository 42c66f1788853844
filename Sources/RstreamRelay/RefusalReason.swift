// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Why a stream was refused, as metrics count it (contract §8).
package enum RefusalReason: String, Hashable, Sendable, CaseIterable {
    /// The daemon's limit, which all tunnels and listeners share: `limits.streams`, or what its descriptors allow.
    case daemonLimit = "daemon_limit"
    /// The tunnel's or listener's own `limits.streams`.
    case ownLimit = "own_limit"
    /// The control channel's limit of streams that are opened at once.
    case openingLimit = "opening_limit"
    /// The daemon stops.
    case stopping

    /// The limit that leaves no room; nil when it is none.
    var limit: StreamLimit? {
        switch self {
        case .daemonLimit: .daemon
        case .ownLimit, .openingLimit: .owner
        case .stopping: nil
        }
    }
}
