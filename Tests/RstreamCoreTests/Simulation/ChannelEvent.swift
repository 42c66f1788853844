// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore

/// Everything that can happen to the control channel of ``ChannelModel``: by the connection, by the engine, by the
/// program, by timers.
enum ChannelEvent: Hashable {
    case connected
    case accepted
    case rejected
    case openTimedOut
    case requestTunnel(Int)
    /// The caller stops waiting.
    case abandonTunnel(Int)
    case closeTunnel(Int)
    case tunnelCloseTimedOut(Int)
    case grant(Int)
    /// The engine grants the first tunnel under the id of the second one.
    case grantAs(Int, Int)
    case refuse(Int)
    /// The engine says that the tunnel is closed, whether it was asked to close it or not.
    case endTunnel(Int)
    case offer(stream: Int, tunnel: Int)
    case finish(Int, fails: Bool)
    case answerWritten(Int)
    /// One stream more may be in its handshake.
    case raiseLimit
    case beat
    case beatWritten
    case beatAcknowledged
    /// The heartbeat is still being written when the next ones are long due.
    case beatStuck
    case silence
    case close
    /// The engine closes the channel, whether it was asked to or not.
    case closed
    case closeTimedOut
    case abort
    case lose
    case malformed
}

extension ChannelAccount {
    /// What can happen next. The program and the shell behave: they report what they were told to do, once. The engine may
    /// answer late, twice or unasked.
    func events(of world: ChannelWorld) -> [ChannelEvent] {
        switch phase {
        case .connecting: [.connected, .accepted, .close, .abort, .lose]
        case .opening:
            [.accepted, .rejected, .openTimedOut, .offer(stream: 0, tunnel: 0), .close, .abort, .lose, .malformed]
        case .open, .closing: liveEvents(of: world)
        case .ended: world.everything
        }
    }

    private func liveEvents(of world: ChannelWorld) -> [ChannelEvent] {
        var events: [ChannelEvent] = [.close, .closed, .closeTimedOut, .abort, .lose, .malformed]
        for tunnel in tunnels.indices { events += self.events(ofTunnel: tunnel) }
        for stream in streams.indices {
            switch streams[stream] {
            case .unasked: events += tunnels.indices.map { ChannelEvent.offer(stream: stream, tunnel: $0) }
            case .waiting: events.append(.offer(stream: stream, tunnel: 0))
            case .running:
                events += [
                    .finish(stream, fails: false), .finish(stream, fails: true), .offer(stream: stream, tunnel: 0),
                ]
            case .answering: events += [.answerWritten(stream), .offer(stream: stream, tunnel: 0)]
            case .finishing, .over: break
            }
        }
        if world.raisesLimit, places == world.limits.openingStreams { events.append(.raiseLimit) }
        if beats < world.beats { events.append(.beat) }
        if isWritingBeat { events += [.beatWritten, .beatStuck] }
        if acknowledged < beats { events.append(.beatAcknowledged) }
        if world.beats > 0 { events.append(.silence) }
        return events
    }

    private func events(ofTunnel tunnel: Int) -> [ChannelEvent] {
        let others = tunnels.indices.filter { $0 != tunnel && (tunnels[$0] == .open || tunnels[$0] == .closing) }
        let other = others.first.map { [ChannelEvent.grantAs(tunnel, $0)] } ?? []
        return switch tunnels[tunnel] {
        case .idle: [.requestTunnel(tunnel)]
        case .requested: [.grant(tunnel), .refuse(tunnel), .abandonTunnel(tunnel)] + other
        case .abandoned: [.grant(tunnel), .refuse(tunnel)] + other
        case .open: [.closeTunnel(tunnel), .endTunnel(tunnel), .grant(tunnel)]
        case .closing: [.closeTunnel(tunnel), .endTunnel(tunnel), .tunnelCloseTimedOut(tunnel)]
        case .forgotten, .givenBack: [.endTunnel(tunnel), .grant(tunnel)]
        case .over: [.tunnelCloseTimedOut(tunnel), .grant(tunnel)]
        }
    }
}

/// How large the world around the channel is. Two tunnels and two streams have every kind of conflict that more of them
/// would have; the rest is repetition.
struct ChannelWorld {
    let name: String
    var tunnels = 2
    var streams = 2
    /// One place and one stream that waits for it, unless said otherwise.
    var limits = ControlChannelLimits(openingStreams: 1, pendingStreams: 1)
    /// Whether the limit of handshakes is raised at some point.
    var raisesLimit = false
    /// Heartbeats that are sent at most.
    var beats: UInt64 = 0

    /// What comes after the end, where anything may come late.
    var everything: [ChannelEvent] {
        let ofTunnels: [ChannelEvent] = (0..<tunnels).flatMap { tunnel -> [ChannelEvent] in
            [
                .requestTunnel(tunnel), .abandonTunnel(tunnel), .closeTunnel(tunnel), .tunnelCloseTimedOut(tunnel),
                .grant(tunnel), .refuse(tunnel), .endTunnel(tunnel), .offer(stream: 0, tunnel: tunnel),
            ]
        }
        let ofStreams: [ChannelEvent] = (0..<streams).flatMap { stream -> [ChannelEvent] in
            [.finish(stream, fails: false), .finish(stream, fails: true), .answerWritten(stream)]
        }
        return [
            .connected, .accepted, .rejected, .openTimedOut, .raiseLimit, .beat, .beatWritten, .beatAcknowledged,
            .beatStuck, .silence, .close, .closed, .closeTimedOut, .abort, .lose, .malformed,
        ] + ofTunnels + ofStreams
    }
}
