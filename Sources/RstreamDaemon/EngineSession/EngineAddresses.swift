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
        /// Called when no tunnel of the name is left.
        var whenGone: [String: [@Sendable () -> Void]] = [:]
        var names: [TunnelKey: String] = [:]
        /// The tunnels of each name that are not gone, the oldest first; none of the lists is empty.
        var keys: [String: [TunnelKey]] = [:]
        /// While a predecessor may have tunnels: the names that it has not.
        var freed: Set<String>?
        /// Tunnels that wait for the predecessor.
        var heldKeys: Set<TunnelKey> = []

        func isHeld(_ key: TunnelKey) -> Bool {
            guard let freed, let name = names[key] else { return false }
            return !freed.contains(name)
        }

        mutating func add(_ key: TunnelKey, _ name: String) {
            names[key] = name
            keys[name, default: []].append(key)
        }

        /// Forgets a tunnel, and takes the calls that wait until none of its name is left, if none is.
        mutating func remove(_ key: TunnelKey) -> [@Sendable () -> Void] {
            guard let name = names.removeValue(forKey: key), var left = keys.removeValue(forKey: name) else {
                return []
            }
            left.removeAll { $0 == key }
            guard left.isEmpty else {
                keys[name] = left
                return []
            }
            return whenGone.removeValue(forKey: name) ?? []
        }

        /// Takes the calls of those of these tunnels that were held.
        mutating func takeFreed(_ freed: [TunnelKey]) -> [@Sendable () -> Void] {
            freed.filter { heldKeys.remove($0) != nil }.sorted().compactMap { whenFree.removeValue(forKey: $0) }
        }
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
            state.add(key, definition.name)
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
            let isHeld = state.isHeld(key)
            if isHeld { state.heldKeys.insert(key) }
            guard isHeld || !state.table.mayOpen(key) else { return true }
            state.whenFree[key] = whenFree
            return false
        }
    }

    /// Holds every tunnel until ``free(_:)`` or ``freeAll()``: a predecessor may have it.
    func holdAll() {
        state.withLock { $0.freed = [] }
    }

    /// The predecessor does not have these tunnels, or not any more.
    func free(_ names: Set<String>) {
        let calls = state.withLock { state in
            state.freed?.formUnion(names)
            return state.takeFreed(names.flatMap { state.keys[$0] ?? [] })
        }
        for call in calls { call() }
    }

    /// The predecessor has no tunnel any more.
    func freeAll() {
        let calls = state.withLock { state in
            state.freed = nil
            return state.takeFreed(Array(state.heldKeys))
        }
        for call in calls { call() }
    }

    /// Calls `body` when every tunnel of the name is ``gone(_:)``: one that replaces another may not be open yet while that
    /// one still closes. Returns false when there is none.
    func whenGone(_ name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            guard state.keys[name] != nil else { return false }
            state.whenGone[name, default: []].append(body)
            return true
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
            state.heldKeys.remove(key)
            let free = state.table.gone(key).compactMap { state.whenFree.removeValue(forKey: $0) }
            return free + state.remove(key)
        }
        for call in calls { call() }
    }
}
