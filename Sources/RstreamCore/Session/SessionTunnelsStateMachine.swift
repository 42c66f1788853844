// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Decides which tunnels of a session are opened, wait, replace each other and are closed, through its reloads.
///
/// An engine gives a name and an address to one tunnel at a time. A tunnel that is wanted therefore claims both first:
/// the claim succeeds, or the tunnel waits until whatever holds them is gone, which may be a tunnel of another session.
/// A tunnel that replaces another one of its name takes over its address and
///
/// - comes first, where both may exist at once: it is opened beside the old one, which serves until the engine has
///   granted or refused the new one, and is closed then;
/// - comes last, where both need the same address: the old one is closed, and the new one claims its place.
///
/// ```
///             free                      removed, replaced
/// claiming ----------> open ---------------------------------> closing ---> (forgotten)
///    ^  |                ^                                        |
///    |  | taken          +--- beside the tunnel that it replaces  +--- closed at the engine, or with its channel
///    |  v
///  waiting ---> (forgotten)
/// ```
///
/// The machine knows ids and names. The shell, `EngineSession`, has the tunnels with their ``TunnelStateMachine`` and the
/// table of addresses that all sessions share. It carries out actions in order, and reports what came of each before it
/// goes on with the next one: ``claimed(_:isFree:)`` after a claim, ``closed(_:)`` as soon as a tunnel is closed.
package struct SessionTunnelsStateMachine<Tunnel: Hashable & Comparable & Sendable>: Sendable {
    private enum Phase: Hashable, Sendable {
        /// The shell finds out whether the tunnel may be opened, at all or beside the one that it replaces.
        case claiming(beside: Tunnel?)
        case waiting
        /// Opened whenever the session has a channel. `replaces` is the tunnel to close once this one is settled.
        case open(replaces: Tunnel?)
        case closing
    }

    private struct Member: Hashable, Sendable {
        let name: String
        var phase: Phase
    }

    /// A tunnel that a reload wants in the place of the one with its name.
    package struct Replacement: Hashable, Sendable {
        package let tunnel: Tunnel
        package let name: String
        /// Both need the same address, so the old one is closed first.
        package let closesFirst: Bool

        package init(_ tunnel: Tunnel, named name: String, closesFirst: Bool) {
            (self.tunnel, self.name, self.closesFirst) = (tunnel, name, closesFirst)
        }
    }

    /// A tunnel that a reload adds.
    package struct Addition: Hashable, Sendable {
        package let tunnel: Tunnel
        package let name: String

        package init(_ tunnel: Tunnel, named name: String) {
            (self.tunnel, self.name) = (tunnel, name)
        }
    }

    package enum Action: Hashable, Sendable {
        /// Claim the tunnel's name and address, and report ``SessionTunnelsStateMachine/claimed(_:isFree:)``; when they
        /// are taken, report ``SessionTunnelsStateMachine/addressFreed(_:)`` once they are not.
        case claim(Tunnel)
        /// Find out whether the tunnel's address is free while `beside` serves, which has its name, and report
        /// ``SessionTunnelsStateMachine/claimed(_:isFree:)``.
        case claimBeside(Tunnel, beside: Tunnel)
        /// Let the tunnel ask for the address of the one that it replaces.
        case inherit(Tunnel, from: Tunnel)
        /// The session has a channel: open the tunnel on it.
        case open(Tunnel)
        /// Close the tunnel, and report ``SessionTunnelsStateMachine/closed(_:)`` when it is closed.
        case close(Tunnel)
        /// The tunnel holds nothing any more and does not come back.
        case forget(Tunnel)
        /// Another tunnel is shown under this name.
        case publish(name: String)
    }

    private var members: [Tunnel: Member] = [:]
    /// Open and closing tunnels of each name, in the order in which they were opened.
    private var opened: [String: [Tunnel]] = [:]
    private var waiting: [String: Tunnel] = [:]
    private var isChannelOpen = false

    package init() {}

    // MARK: What is shown

    /// Whether the session has no tunnel, also none that waits or closes.
    package var isEmpty: Bool { members.isEmpty }

    /// Open and closing tunnels, in their order.
    package var openTunnels: [Tunnel] {
        members.filter { _, member in
            switch member.phase {
            case .claiming, .waiting: false
            case .open, .closing: true
            }
        }.keys.sorted()
    }

    /// The tunnel to show under a name: the one that serves until its replacement does.
    package func shown(_ name: String) -> Tunnel? {
        let tunnels = opened[name] ?? []
        return tunnels.last { members[$0]?.phase == .open(replaces: nil) } ?? waiting[name] ?? tunnels.last
    }

    /// The tunnel that is wanted under a name and was opened.
    private func wanted(_ name: String) -> Tunnel? {
        opened[name]?.last { members[$0]?.phase != .closing }
    }

    // MARK: Reload

    /// A reload changes what the session has to serve. No name is in more than one of the lists, or twice in one.
    package mutating func changed(
        removals: [String],
        replacements: [Replacement],
        additions: [Addition]
    ) -> [Action] {
        var actions: [Action] = []
        for name in removals {
            actions += forgetWaiting(name)
            if let tunnel = wanted(name) { actions += close(tunnel) }
        }
        // Everything that goes goes first: what comes may want the address of any of them.
        for replacement in replacements where replacement.closesFirst {
            actions += closePredecessor(of: replacement.tunnel, named: replacement.name)
        }
        for replacement in replacements where replacement.closesFirst {
            actions += claim(replacement.tunnel, named: replacement.name)
        }
        for replacement in replacements where !replacement.closesFirst {
            actions += replace(replacement.tunnel, named: replacement.name)
        }
        for addition in additions { actions += claim(addition.tunnel, named: addition.name) }
        return actions
    }

    /// The session is to end: nothing is opened any more, and what is open closes.
    package mutating func drainRequested() -> [Action] {
        var actions: [Action] = []
        for name in waiting.keys.sorted() { actions += forgetWaiting(name) }
        for tunnel in openTunnels { actions += close(tunnel) }
        return actions
    }

    private mutating func claim(_ tunnel: Tunnel, named name: String) -> [Action] {
        members[tunnel] = Member(name: name, phase: .claiming(beside: nil))
        return [.claim(tunnel)]
    }

    private mutating func replace(_ tunnel: Tunnel, named name: String) -> [Action] {
        guard waiting[name] == nil, let old = wanted(name) else {
            return closePredecessor(of: tunnel, named: name) + claim(tunnel, named: name)
        }
        members[tunnel] = Member(name: name, phase: .claiming(beside: old))
        return [.claimBeside(tunnel, beside: old)]
    }

    /// The tunnel that `successor` replaces goes at once, and leaves its address to it.
    private mutating func closePredecessor(of successor: Tunnel, named name: String) -> [Action] {
        if let old = waiting[name] {
            // It was not opened, so the engine does not know it.
            return [.inherit(successor, from: old)] + forgetWaiting(name)
        }
        guard let old = wanted(name) else { return [] }
        return [.inherit(successor, from: old)] + close(old)
    }

    private mutating func forgetWaiting(_ name: String) -> [Action] {
        guard let tunnel = waiting.removeValue(forKey: name) else { return [] }
        members[tunnel] = nil
        return [.forget(tunnel)]
    }

    private mutating func close(_ tunnel: Tunnel) -> [Action] {
        switch members[tunnel]?.phase {
        case .open(replaces: let old):
            members[tunnel]?.phase = .closing
            // No other tunnel would close the one that this one was to replace.
            return (old.map { close($0) } ?? []) + [.close(tunnel)]
        case .claiming, .waiting, .closing, nil: return []
        }
    }

    // MARK: What comes of it

    /// The tunnel's place at the engine is free, or it is taken.
    package mutating func claimed(_ tunnel: Tunnel, isFree: Bool) -> [Action] {
        guard let member = members[tunnel] else { return [] }
        let name = member.name
        switch (member.phase, isFree) {
        case (.claiming(beside: nil), true):
            open(tunnel, named: name, replacing: nil)
            return isChannelOpen ? [.open(tunnel)] : []
        case (.claiming(beside: nil), false):
            members[tunnel]?.phase = .waiting
            waiting[name] = tunnel
            return [.publish(name: name)]
        case (.claiming(beside: let old?), true):
            open(tunnel, named: name, replacing: old)
            // Without a channel the old one serves nothing either.
            return [.inherit(tunnel, from: old)] + (isChannelOpen ? [.open(tunnel)] : close(old))
        case (.claiming(beside: .some), false):
            return closePredecessor(of: tunnel, named: name) + claim(tunnel, named: name)
        case (.waiting, _), (.open, _), (.closing, _): return []
        }
    }

    private mutating func open(_ tunnel: Tunnel, named name: String, replacing old: Tunnel?) {
        members[tunnel]?.phase = .open(replaces: old)
        opened[name, default: []].append(tunnel)
    }

    /// Whatever a waiting tunnel waited for is gone.
    package mutating func addressFreed(_ tunnel: Tunnel) -> [Action] {
        guard let name = members[tunnel]?.name, waiting[name] == tunnel else { return [] }
        waiting[name] = nil
        return claim(tunnel, named: name)
    }

    /// The engine granted or refused a tunnel: the one that it replaces is not needed any more.
    package mutating func settled(_ tunnel: Tunnel) -> [Action] {
        guard let member = members[tunnel], case .open(replaces: let old?) = member.phase else { return [] }
        members[tunnel]?.phase = .open(replaces: nil)
        return close(old) + [.publish(name: member.name)]
    }

    /// A tunnel is closed, because it was asked for or by the engine.
    package mutating func closed(_ tunnel: Tunnel) -> [Action] {
        guard let member = members[tunnel] else { return [] }
        switch member.phase {
        case .open, .closing:
            members[tunnel] = nil
            let rest = (opened[member.name] ?? []).filter { $0 != tunnel }
            opened[member.name] = rest.isEmpty ? nil : rest
            return [.forget(tunnel)]
        case .claiming, .waiting: return []
        }
    }

    /// The session has a channel.
    package mutating func channelOpened() -> [Action] {
        isChannelOpen = true
        return openTunnels.map { .open($0) }
    }

    /// The session's channel has ended.
    package mutating func channelLost() {
        isChannelOpen = false
    }
}
