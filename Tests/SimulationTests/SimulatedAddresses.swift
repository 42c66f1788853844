// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemon
import RstreamModel

/// The names and addresses of all tunnels of a simulated process: does with an ``AddressTable`` what `EngineAddresses`
/// does, and holds what a predecessor may have.
final class SimulatedAddresses {
    private var table = AddressTable<Int>()
    private var lastKey = 0
    private var whenFree: [Int: () -> Void] = [:]
    private var whenGone: [String: [() -> Void]] = [:]
    private var names: [Int: String] = [:]
    /// While a predecessor may have tunnels: the names that it has not.
    private var freed: Set<String>?
    private var heldKeys: Set<Int> = []

    var isEmpty: Bool { table.isEmpty && whenFree.isEmpty && whenGone.isEmpty && names.isEmpty && heldKeys.isEmpty }

    func wanted(_ tunnel: SimulatedConfiguration.Tunnel) -> Int {
        let (name, engine) = (tunnel.wanted.name, SimulatedConfiguration.engine)
        var places = [AddressTable<Int>.Claim(.name(name), at: engine)]
        if let claim = tunnel.wanted.claim { places.append(.init(.address(claim), at: engine)) }
        lastKey += 1
        table.add(lastKey, claiming: places)
        names[lastKey] = name
        return lastKey
    }

    func unwanted(_ key: Int) { table.markLeaving(key) }

    func mayOpen(_ key: Int, whenFree call: @escaping () -> Void) -> Bool {
        let isHeld = isHeld(key)
        if isHeld { heldKeys.insert(key) }
        guard isHeld || !table.mayOpen(key) else { return true }
        whenFree[key] = call
        return false
    }

    func mayOpen(_ key: Int, beside old: Int) -> Bool { table.mayOpen(key, beside: old) }

    func holdAll() { freed = [] }

    func free(_ names: Set<String>) {
        freed?.formUnion(names)
        callFreed()
    }

    func freeAll() {
        freed = nil
        callFreed()
    }

    func isHeld(_ key: Int) -> Bool {
        guard let freed, let name = names[key] else { return false }
        return !freed.contains(name)
    }

    private func callFreed() {
        let calls = whenFree.keys.sorted().filter { !isHeld($0) && heldKeys.contains($0) }.compactMap { key in
            heldKeys.remove(key)
            return whenFree.removeValue(forKey: key)
        }
        for call in calls { call() }
    }

    func whenGone(_ name: String, _ call: @escaping () -> Void) -> Bool {
        guard names.values.contains(name) else { return false }
        whenGone[name, default: []].append(call)
        return true
    }

    func gone(_ key: Int) {
        whenFree[key] = nil
        heldKeys.remove(key)
        let name = names.removeValue(forKey: key)
        var calls = table.gone(key).compactMap { whenFree.removeValue(forKey: $0) }
        if let name, !names.values.contains(name) { calls += whenGone.removeValue(forKey: name) ?? [] }
        for call in calls { call() }
    }
}
