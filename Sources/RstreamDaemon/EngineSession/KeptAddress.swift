// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamConfig
internal import RstreamCore
internal import RstreamModel
internal import Synchronization

/// The address that a tunnel was last granted. A tunnel that is enabled again, perhaps on another session, requests it.
/// Guarded by a mutex.
final class KeptAddress: Sendable {
    private let last = Lock<TunnelStateMachine?>(nil)

    /// Keeps the address that was granted to this tunnel.
    func keep(_ machine: TunnelStateMachine) { last.withLock { $0 = machine } }

    /// Whether there is one, and what it is where the engine chose it.
    var current: (hostname: String?, port: UInt32?)? { last.withLock { $0?.chosenAddress } }

    /// Lets a tunnel that is not open yet request the address.
    func hand(to machine: inout TunnelStateMachine) {
        if let last = last.withLock({ $0 }) { machine.inherit(from: last) }
    }
}

/// What two tunnels must have in common for the later one to get the address of the earlier one. The context is not
/// part of it, because it may be renamed.
struct AddressPlace: Hashable, Sendable {
    private let tunnel: String
    private let engine: EngineLocation
    private let kind: String?

    init(_ definition: TunnelDefinition) {
        tunnel = definition.name
        engine = definition.context.engine
        kind = definition.spec.properties.protocol
    }
}
