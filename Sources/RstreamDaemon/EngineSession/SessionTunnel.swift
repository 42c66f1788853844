// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Rstream
internal import RstreamCore
internal import RstreamModel
internal import RstreamRelay

/// One tunnel of a session: its machine, and the acceptor that its streams go to.
struct SessionTunnel: Sendable {
    let key: TunnelKey
    let name: String
    let acceptor: RelayAcceptor
    var machine: TunnelStateMachine
    /// Where the granted address is kept for a later tunnel of the same name.
    let address: KeptAddress
    /// Whether it requests a stable host name, which is generated once.
    let takesStableHostname: Bool
    let retry = DelayedCall()
    /// The time of the next attempt, while the tunnel waits for it.
    var nextAttemptAt: UTCTime?
}

/// Identifies one tunnel of the daemon; a replacement of the same name has another key.
struct TunnelKey: Hashable, Sendable, Comparable {
    let number: Int

    static func < (first: Self, second: Self) -> Bool { first.number < second.number }
}

/// What a reload changes in a session that goes on.
struct SessionChange: Sendable {
    /// A tunnel that replaces the one with its name.
    struct Replacement: Sendable {
        let tunnel: SessionTunnel
        /// Both need the same address: the old one has to be gone before the new one is opened.
        let closesFirst: Bool
    }

    /// Every context that the session serves from now on; the first one names it.
    var contexts: [String]
    /// The client that dials from now on.
    var client: RstreamClient
    /// Whether the session has to reconnect with ``client``.
    var renews = false
    /// Nil where it stays as it is: each of the tunnels, which may be thousands, is told of another one.
    var policy: ReconnectPolicy?
    /// When canaries are sent; nil for never.
    let canary: CanaryPolicy?
    var removals: [String] = []
    var replacements: [Replacement] = []
    var additions: [SessionTunnel] = []
}
