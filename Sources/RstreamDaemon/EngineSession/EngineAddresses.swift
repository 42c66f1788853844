// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamConfig
internal import RstreamCore
internal import RstreamModel
internal import Synchronization

/// The names and addresses of all tunnels at their engines: an ``AddressTable`` that all sessions share.
///
/// A reload marks what it removes here before any session is changed, so that no session opens a tunnel too early.
/// Guarded by a mutex, which is not held while `whenFree` is called.
final class EngineAddresses: Sendable {
    private struct State {
        var table = AddressTable<TunnelKey>()
        var lastKey = 0
        var whenFree: [TunnelKey: @Sendable () -> Void] = [:]
    }

    private let state = Lock(State())

    /// Adds a tunnel. Every tunnel that is added has to be ``gone(_:)`` at some time.
    func wanted(_ definition: TunnelDefinition) -> TunnelKey {
        let engine = definition.context.engine
        var places = [AddressTable<TunnelKey>.Claim(.name(definition.name), at: engine)]
        if let claim = AddressClaim(definition.name, definition.spec.properties) {
            places.append(AddressTable.Claim(.address(claim), at: engine))
        }
        return state.withLock { state in
            state.lastKey += 1
            let key = TunnelKey(number: state.lastKey)
            state.table.add(key, claiming: places)
            return key
        }
    }

    /// A reload does not want the tunnel any more; it keeps its place until it is gone.
    func unwanted(_ key: TunnelKey) {
        state.withLock { $0.table.markLeaving(key) }
    }

    /// Whether a tunnel may be opened now; otherwise `whenFree` is called when it may.
    func mayOpen(_ key: TunnelKey, whenFree: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            guard !state.table.mayOpen(key) else { return true }
            state.whenFree[key] = whenFree
            return false
        }
    }

    /// Whether a tunnel may be opened beside the one of its name that it replaces.
    func mayOpen(_ key: TunnelKey, beside old: TunnelKey) -> Bool {
        state.withLock { $0.table.mayOpen(key, beside: old) }
    }

    /// A tunnel holds nothing at its engine and does not come back.
    func gone(_ key: TunnelKey) {
        let calls = state.withLock { state in
            state.whenFree[key] = nil
            return state.table.gone(key).compactMap { state.whenFree.removeValue(forKey: $0) }
        }
        for call in calls { call() }
    }
}
