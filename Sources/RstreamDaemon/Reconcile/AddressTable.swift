package import RstreamModel

/// Decides which tunnels wait for which, because a name or an address at an engine is one tunnel's at a time, on
/// whatever session.
///
/// What comes waits for what is on its way out, and for nothing else: two that are wanted under one address would
/// otherwise wait for each other. It waits until that is gone: closed at the engine, or its session's channel is. So no
/// wait lasts longer than a close may take.
package struct AddressTable<Tunnel: Hashable & Comparable & Sendable>: Sendable {
    /// What an engine gives to one tunnel at a time.
    package struct Place: Hashable, Sendable {
        package enum Kind: Hashable, Sendable {
            case name(String)
            case address(AddressClaim)
        }

        package let engine: EngineLocation
        package let kind: Kind

        package init(_ kind: Kind, at engine: EngineLocation) {
            (self.kind, self.engine) = (kind, engine)
        }
    }

    /// Of every tunnel that is not gone.
    private var places: [Tunnel: [Place]] = [:]
    private var leaving: [Place: Set<Tunnel>] = [:]
    /// Those that each tunnel waits for, and the other way round.
    private var awaited: [Tunnel: Set<Tunnel>] = [:]
    private var waiting: [Tunnel: Set<Tunnel>] = [:]

    package init() {}

    /// Whether nothing is held and nobody waits.
    package var isEmpty: Bool { places.isEmpty && leaving.isEmpty && awaited.isEmpty && waiting.isEmpty }

    /// A tunnel is wanted, which has these places from the moment when it is asked for.
    package mutating func wanted(_ tunnel: Tunnel, at places: [Place]) {
        self.places[tunnel] = places
    }

    /// A tunnel is not wanted any more. It has its places until it is gone.
    package mutating func unwanted(_ tunnel: Tunnel) {
        for place in places[tunnel] ?? [] { leaving[place, default: []].insert(tunnel) }
    }

    /// Whether a tunnel may be asked for now; otherwise it waits, and ``gone(_:)`` tells when it need not any more.
    package mutating func mayOpen(_ tunnel: Tunnel) -> Bool {
        let holders = holders(of: places[tunnel] ?? []).subtracting([tunnel])
        guard !holders.isEmpty else { return true }
        awaited[tunnel] = holders
        for holder in holders { waiting[holder, default: []].insert(tunnel) }
        return false
    }

    /// Whether a tunnel may be asked for while `old` serves, whose name it has: only its address has to be free.
    package func mayOpen(_ tunnel: Tunnel, beside old: Tunnel) -> Bool {
        let addresses = (places[tunnel] ?? []).filter { if case .address = $0.kind { true } else { false } }
        return holders(of: addresses).subtracting([tunnel, old]).isEmpty
    }

    private func holders(of places: [Place]) -> Set<Tunnel> {
        places.reduce(into: []) { $0.formUnion(leaving[$1] ?? []) }
    }

    /// A tunnel holds nothing any more, and waits for nothing. Returns those that waited for it last, in their order.
    package mutating func gone(_ tunnel: Tunnel) -> [Tunnel] {
        for place in places.removeValue(forKey: tunnel) ?? [] { Self.remove(tunnel, from: &leaving[place]) }
        for holder in awaited.removeValue(forKey: tunnel) ?? [] { Self.remove(tunnel, from: &waiting[holder]) }
        return (waiting.removeValue(forKey: tunnel) ?? []).sorted().filter { follower in
            Self.remove(tunnel, from: &awaited[follower])
            return awaited[follower] == nil
        }
    }

    private static func remove(_ tunnel: Tunnel, from tunnels: inout Set<Tunnel>?) {
        tunnels?.remove(tunnel)
        if tunnels?.isEmpty == true { tunnels = nil }
    }
}
