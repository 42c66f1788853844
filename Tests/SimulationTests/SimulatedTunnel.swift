// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel

/// A tunnel of a simulated session.
final class SimulatedTunnel {
    let key: Int
    let name: String
    let acceptor: SimulatedAcceptor
    let wanted: TunnelProperties
    let address: SimulatedKeptAddress
    var machine: TunnelStateMachine { didSet { look() } }
    /// What the machine says, at hand for the checks after each step.
    private(set) var state = TunnelStateMachine.State.pending
    private(set) var isWaiting = false
    var timer: SimulatedTimer?

    init(
        _ key: Int,
        named name: String,
        _ wanted: TunnelProperties,
        to acceptor: SimulatedAcceptor,
        at address: SimulatedKeptAddress
    ) {
        (self.key, self.name, self.wanted, self.acceptor, self.address) = (key, name, wanted, acceptor, address)
        machine = TunnelStateMachine(wanted: wanted, policy: SimulatedSession.policy)
        look()
    }

    private func look() { (state, isWaiting) = (machine.state, machine.isWaiting) }
}

/// Which checks of a process have to be made after a step: those that read something that has changed since they were
/// made last. Whatever such a check reads reports here, where it is changed.
final class SimulatedChanges {
    /// The table of streams, a ledger or a pool.
    var concernStreams = true
    /// What runs, or what is to run.
    var concernConfiguration = true
}
