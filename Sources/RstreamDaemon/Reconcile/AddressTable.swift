// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// Decides which tunnels wait for which, because an engine grants a name or an address to one tunnel at a time,
/// whatever session it is on.
///
/// A new tunnel waits only for tunnels that are being closed: two new ones with the same address would otherwise wait
/// for each other. A wait ends when those are closed at the engine, or their session's control channel is, so it lasts
/// no longer than a close.
package struct AddressTable<Tunnel: Hashable & Comparable & Sendable>: Sendable {
    /// A name or address at an engine, which one tunnel at a time can have.
    package struct Claim: Hashable, Sendable {
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

    /// The claims of every tunnel that is not gone.
    private var claims: [Tunnel: [Claim]] = [:]
    /// The tunnels that are being closed, by claim.
    private var leaving: [Claim: Set<Tunnel>] = [:]
    /// The tunnels that each tunnel waits for.
    private var awaited: [Tunnel: Set<Tunnel>] = [:]
    /// The tunnels that wait for each tunnel.
    private var waiting: [Tunnel: Set<Tunnel>] = [:]

    package init() {}

    package var isEmpty: Bool { claims.isEmpty && leaving.isEmpty && awaited.isEmpty && waiting.isEmpty }

    /// Adds a tunnel with its claims.
    package mutating func add(_ tunnel: Tunnel, claiming claims: [Claim]) {
        self.claims[tunnel] = claims
    }

    /// Marks a tunnel as being closed. It keeps its claims until ``gone(_:)``.
    package mutating func markLeaving(_ tunnel: Tunnel) {
        for claim in claims[tunnel] ?? [] { leaving[claim, default: []].insert(tunnel) }
    }

    /// Whether a tunnel may be opened now; otherwise it waits, and ``gone(_:)`` returns it when it may.
    package mutating func mayOpen(_ tunnel: Tunnel) -> Bool {
        let holders = holders(of: claims[tunnel] ?? []).subtracting([tunnel])
        guard !holders.isEmpty else { return true }
        awaited[tunnel] = holders
        for holder in holders { waiting[holder, default: []].insert(tunnel) }
        return false
    }

    /// Whether a tunnel may be opened while `old`, which has the same name, still serves: only its address has to be
    /// free.
    package func mayOpen(_ tunnel: Tunnel, beside old: Tunnel) -> Bool {
        let addresses = (claims[tunnel] ?? []).filter { if case .address = $0.kind { true } else { false } }
        return holders(of: addresses).subtracting([tunnel, old]).isEmpty
    }

    private func holders(of claims: [Claim]) -> Set<Tunnel> {
        claims.reduce(into: []) { $0.formUnion(leaving[$1] ?? []) }
    }

    /// Removes a tunnel. Returns the tunnels that waited only for it, in order.
    package mutating func gone(_ tunnel: Tunnel) -> [Tunnel] {
        for claim in claims.removeValue(forKey: tunnel) ?? [] { Self.remove(tunnel, from: &leaving[claim]) }
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
