internal import Rstream
internal import RstreamCore
internal import RstreamModel
internal import RstreamRelay

/// One tunnel of a session: what is wanted, where its streams go, and the machine that decides about it.
struct SessionTunnel: Sendable {
    let key: TunnelKey
    let name: String
    let acceptor: RelayAcceptor
    var machine: TunnelStateMachine
    /// What it was granted before, and will have been granted.
    let address: KeptAddress
    /// Whether it is asked for under a name of the project's that is generated once.
    let takesStableHostname: Bool
    let retry = DelayedCall()
    /// When it is tried again, while it waits for that.
    var nextAttemptAt: UTCTime?
}

/// Names one tunnel of the daemon; a replacement of the same name has another key.
struct TunnelKey: Hashable, Sendable, Comparable {
    let number: Int

    static func < (first: Self, second: Self) -> Bool { first.number < second.number }
}

/// What a reload wants of a session that goes on.
struct SessionChange: Sendable {
    /// A tunnel that takes the place of the one with its name.
    struct Replacement: Sendable {
        let tunnel: SessionTunnel
        /// Both claim one address: the old one has to be gone before the new one is asked for.
        let closesFirst: Bool
    }

    /// Every context that the session serves from now on, and what it logs with.
    var contexts: [String]
    /// Dials from now on.
    var client: RstreamClient
    /// Whether the session has to start again with ``client``.
    var renews = false
    var policy: ReconnectPolicy
    var removals: [String] = []
    var replacements: [Replacement] = []
    var additions: [SessionTunnel] = []
}
