internal import RstreamConfig
internal import RstreamCore
internal import RstreamModel
internal import Synchronization

/// Names and addresses of all tunnels at their engines, whichever session they are on: ``AddressTable`` for everybody.
///
/// What goes is told here before any session hears of a reload, so none is ahead of another. Guarded by a mutex; what it
/// lets in is called after that.
final class EngineAddresses: Sendable {
    private struct State {
        var table = AddressTable<TunnelKey>()
        var lastKey = 0
        var whenFree: [TunnelKey: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())

    /// A tunnel is wanted. It must be said of it that it is ``gone(_:)``.
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

    /// Nobody wants it any more.
    func unwanted(_ key: TunnelKey) {
        state.withLock { $0.table.markLeaving(key) }
    }

    /// Whether a tunnel may be asked for at once; otherwise `whenFree` is called when it may.
    func mayOpen(_ key: TunnelKey, whenFree: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            guard !state.table.mayOpen(key) else { return true }
            state.whenFree[key] = whenFree
            return false
        }
    }

    /// Whether a tunnel may be asked for while the one of its name serves that it replaces.
    func mayOpen(_ key: TunnelKey, beside old: TunnelKey) -> Bool {
        state.withLock { $0.table.mayOpen(key, beside: old) }
    }

    /// A tunnel holds nothing at its engine, and does not come any more.
    func gone(_ key: TunnelKey) {
        let calls = state.withLock { state in
            state.whenFree[key] = nil
            return state.table.gone(key).compactMap { state.whenFree.removeValue(forKey: $0) }
        }
        for call in calls { call() }
    }
}
