internal import Rstream
internal import RstreamCore
internal import RstreamModel
internal import RstreamRelay

/// One tunnel of a session: what is wanted, where its streams go, and the machine that decides about it.
struct SessionTunnel {
    let name: String
    let acceptor: RelayAcceptor
    var machine: TunnelStateMachine
}
