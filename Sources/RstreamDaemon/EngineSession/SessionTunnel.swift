internal import Rstream
internal import RstreamCore
internal import RstreamModel
internal import RstreamRelay

/// One tunnel of a session: what is wanted, where its streams go, and the machine that decides about it.
struct SessionTunnel: Sendable {
    let name: String
    let acceptor: RelayAcceptor
    var machine: TunnelStateMachine
    /// What it was granted before, and will have been granted.
    let address: KeptAddress
    /// Whether it is asked for under a name of the project's that is generated once.
    let takesStableHostname: Bool
    /// The tunnel that has to go when this one is settled.
    var predecessor: TunnelKey?
    /// What takes the place of this one when it is gone.
    var successor: Successor?

    /// Whether nobody wants it any more.
    var isLeaving: Bool { machine.state == .draining || machine.state == .closed }

    /// A tunnel that waits for an address to be free.
    final class Successor: Sendable {
        let tunnel: SessionTunnel

        init(_ tunnel: SessionTunnel) { self.tunnel = tunnel }
    }
}

/// Names one tunnel within a session; a replacement of the same name has another key.
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

    /// Dials from now on.
    var client: Client
    /// Whether the session has to start again with ``client``.
    var renews = false
    var policy: ReconnectPolicy
    var removals: [String] = []
    var replacements: [Replacement] = []
    var additions: [SessionTunnel] = []
}
