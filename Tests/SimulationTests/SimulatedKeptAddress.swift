// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel

/// The address that a tunnel was last granted, for a later one of its name: what `KeptAddress` does.
final class SimulatedKeptAddress {
    private var last: TunnelStateMachine?

    /// Where the engine chose it.
    var hostname: String? { last?.chosenAddress?.hostname }

    func keep(_ machine: TunnelStateMachine) { last = machine }

    func hand(to machine: inout TunnelStateMachine) {
        if let last { machine.inherit(from: last) }
    }
}

extension SimulatedKeptAddress {
    /// The address that the predecessor's tunnel of this name was granted.
    static func inherited(_ hostname: String, _ properties: TunnelProperties) -> SimulatedKeptAddress {
        var machine = TunnelStateMachine(wanted: properties, policy: SimulatedSession.policy)
        machine.resume(hostname: hostname, port: nil)
        let kept = SimulatedKeptAddress()
        kept.keep(machine)
        return kept
    }
}
