// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamWire

/// Visits every state that a control channel can come to in a small world, by every order of events, and checks in each
/// what ``ChannelAccount`` knows: no stream is answered twice, none stays without an answer while the channel lives,
/// nothing follows the end, no tunnel is opened twice or kept at the engine without a caller.
///
/// The search goes breadth first, so the way to a mistake is one of the shortest. Two states are the same when the
/// machine and the account are; time stands still but for the silence that ends a channel.
struct ChannelModel {
    /// What the search has seen.
    struct Exploration {
        var states = 0
        var transitions = 0
        /// The first mistake, with the way to it.
        var complaint: String?
    }

    struct Node: Hashable {
        var machine: ChannelSnapshot
        var account: ChannelAccount

        // The account tells nearly all states apart.
        func hash(into hasher: inout Hasher) { account.hash(into: &hasher) }
    }

    let world: ChannelWorld
    /// A mistake that is made on purpose, to see that it is found.
    var fault: ChannelFault?

    func explore() -> Exploration {
        var result = Exploration()
        let machine = ControlChannelStateMachine(
            details: ClientDetails(agent: "a"),
            heartbeatMilliseconds: world.beats > 0 ? 5_000 : nil,
            limits: world.limits
        )
        let first = Node(
            machine: ChannelSnapshot(machine),
            account: ChannelAccount(tunnels: world.tunnels, streams: world.streams, limits: world.limits)
        )
        var nodes = [first]
        var ways: [(from: Int, event: ChannelEvent)?] = [nil]
        var seen: Set<Node> = [first]
        var index = 0
        while index < nodes.count {
            let node = nodes[index]
            for event in node.account.events(of: world) {
                result.transitions += 1
                do {
                    let next = try step(from: node, event)
                    guard seen.insert(next).inserted else { continue }
                    nodes.append(next)
                    ways.append((index, event))
                } catch {
                    result.states = nodes.count
                    result.complaint = "\(error); after \(Self.way(to: index, ways) + [event])"
                    return result
                }
            }
            index += 1
        }
        result.states = nodes.count
        return result
    }

    private static func way(to index: Int, _ ways: [(from: Int, event: ChannelEvent)?]) -> [ChannelEvent] {
        var events: [ChannelEvent] = []
        var index = index
        while let (from, event) = ways[index] {
            events.append(event)
            index = from
        }
        return events.reversed()
    }
}

/// A state of the machine that can be kept and compared; the machine itself cannot be copied.
enum ChannelSnapshot: Equatable {
    case connecting(ControlChannelStateMachine.Opening)
    case opening(ControlChannelStateMachine.Opening)
    case open(ControlChannelStateMachine.Established)
    case closing(ControlChannelStateMachine.Established)
    case ended(ChannelEnd)

    init(_ machine: borrowing ControlChannelStateMachine) {
        switch machine {
        case .connecting(let opening): self = .connecting(opening)
        case .opening(let opening): self = .opening(opening)
        case .open(let channel): self = .open(channel)
        case .closing(let channel): self = .closing(channel)
        case .ended(let cause): self = .ended(cause)
        }
    }

    func restored() -> ControlChannelStateMachine {
        switch self {
        case .connecting(let opening): .connecting(opening)
        case .opening(let opening): .opening(opening)
        case .open(let channel): .open(channel)
        case .closing(let channel): .closing(channel)
        case .ended(let cause): .ended(cause)
        }
    }
}

/// Mistakes that a machine could make, each of which the search has to find: they change what the machine says.
enum ChannelFault: CaseIterable {
    case startsWhileClosing
    case startsNoneThatWaits
    case refusesThoughThereIsRoom
    case answersForAnother
    case keepsLateGrant
    case opensTwice
    case forgetsRequestAtEnd
    case forgetsHandshakeAtEnd
    case dropsNoneAtEnd
    case answersAfterEnd
    case endsTwice
    case ignoresClosedTunnel
}
