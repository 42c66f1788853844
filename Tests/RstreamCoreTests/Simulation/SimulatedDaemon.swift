// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel

/// The simulated daemon: its sessions, the process that they run in, and what outlives the process.
final class SimulatedDaemon {
    /// An event is on its way within the daemon for this long at most, in milliseconds.
    private static let slack = 20

    /// Counts the processes; what one has left to do dies with it.
    private(set) var process = 1
    private(set) var suspendedUntil: Int?
    /// How long it was suspended, all in all.
    private(set) var slept = 0
    let hosts: [String]
    private unowned let world: SimulatedWorld
    private var sessions: [SimulatedSession] = []
    /// `reconnect.json`.
    private var schedules: [Int: ReconnectSchedule] = [:]
    private var isAlive = false
    private var resumedAt = 0

    init(_ world: SimulatedWorld) {
        self.world = world
        hosts = (0..<world.plan.allTunnels).map { "host\($0)" }
    }

    func begin() {
        isAlive = true
        resumedAt = world.now
        sessions = (0..<world.plan.sessions).map { SimulatedSession($0, world) }
        for session in sessions {
            let own = (0..<world.plan.tunnels).map { hosts[session.index * world.plan.tunnels + $0] }
            session.begin(hosts: own, resuming: schedules[session.index])
        }
    }

    /// The sessions and the world refer to each other.
    func clear() {
        for session in sessions { session.clear() }
        sessions = []
    }

    func store(_ schedule: ReconnectSchedule?, of session: Int) { schedules[session] = schedule }

    /// Tells every session, each in its own time.
    func send(_ event: () -> SimulatedSession.Event) {
        for session in sessions {
            let event = event()
            world.sometime { session.handle(event) }
        }
    }

    func replace(_ host: String) {
        guard isAlive, let place = hosts.firstIndex(of: host) else { return }
        let session = sessions[place / world.plan.tunnels]
        world.sometime { session.handle(.replaced(host: host)) }
    }

    func suspend(until end: Int) {
        guard isAlive, suspendedUntil == nil else { return }
        suspendedUntil = end
        slept += end - world.now
        world.enter(at: end, .world) { [self] in
            (suspendedUntil, resumedAt) = (nil, world.now)
            send { .networkChanged }
        }
    }

    func crash(down: Int) {
        guard isAlive, suspendedUntil == nil else { return }
        isAlive = false
        process += 1
        clear()
        world.network.daemonDied()
        world.enter(after: down, .world) { [self] in
            world.note("the daemon starts again")
            begin()
        }
    }

    // MARK: What it says

    /// Whether every tunnel is online, here and at the engine.
    var isServing: Bool {
        isAlive && suspendedUntil == nil
            && sessions.allSatisfy { session in
                guard session.machine.state == .online, let channel = session.channel, !channel.hasEnded else {
                    return false
                }
                return session.tunnels.count == world.plan.tunnels
                    && session.tunnels.values.allSatisfy { tunnel in
                        guard case .online = tunnel.machine.state else { return false }
                        return world.engine.link(of: tunnel.host) == channel.link
                    }
            }
    }

    /// Whether no stream is being opened.
    var isIdle: Bool { sessions.allSatisfy { $0.channel?.isIdle ?? true } }

    var isStopped: Bool { sessions.allSatisfy { $0.machine.state == .closed } }

    var text: String {
        sessions.map { session in
            let tunnels = session.tunnels.values.map { "\($0.host) \($0.machine.state)" }.sorted()
            return "session \(session.index) \(session.machine.state), \(tunnels.joined(separator: ", "))"
        }.joined(separator: "; ")
    }

    // MARK: What must be true

    /// Whether something is overdue that should have come at this time. The daemon may have been asleep then.
    private func isLate(_ time: Int) -> Bool { world.now - max(time, resumedAt) > Self.slack }

    /// After each step.
    func check() {
        guard isAlive, suspendedUntil == nil else { return }
        for session in sessions {
            do {
                try check(session)
                if let channel = session.channel { try check(channel, session) }
            } catch {
                world.complain("session \(session.index): \(error)")
            }
        }
    }

    private func check(_ session: SimulatedSession) throws(Complaint) {
        let state = session.machine.state
        switch state {
        case .idle: break
        case .connecting: try demand(session.dialing.contains(session.attempt), "it connects, and does not dial")
        case .online, .renewing, .draining: try demand(session.channel != nil, "it is \(state) without a channel")
        case .waiting, .rejected:
            try demand(session.channel == nil, "it waits, and has a channel")
            try demand(session.nextAttemptAt != nil && session.due != nil, "it waits, and does not say how long")
            try demand(session.timer?.isArmed == true, "it waits for nothing")
            try demand(!isLate(session.due ?? 0), "its next attempt is overdue")
        case .closed: try demand(session.channel == nil, "it is closed, and has a channel")
        }
        if state != .closed {
            let waits = state == .waiting || state == .rejected
            try demand(waits == (session.nextAttemptAt != nil), "it is \(state), and names a next attempt")
        }
        for (key, tunnel) in session.tunnels where tunnel.machine.isWaiting {
            try demand(tunnel.timer?.isArmed == true, "tunnel \(key) waits for nothing")
            try demand(!isLate(tunnel.timer?.due ?? 0), "the next attempt of tunnel \(key) is overdue")
        }
    }

    private func check(_ channel: SimulatedChannel, _ session: SimulatedSession) throws(Complaint) {
        if channel.hasEnded {
            return try demand(!isLate(channel.endedAt), "it is \(session.machine.state) although its channel has ended")
        }
        try demand(!channel.hasForgottenStream, "a stream is not answered")
        guard isLate(channel.changedAt) else { return }
        for key in channel.tunnels.values {
            try demand(session.tunnels[key] != nil, "tunnel \(key) is open, and no longer wanted")
        }
        for (key, tunnel) in session.tunnels {
            switch tunnel.machine.state {
            case .online(let id): try demand(channel.tunnels[id] == key, "tunnel \(key) is online without a grant")
            case .opening: try demand(channel.isRequested(key), "tunnel \(key) is opening, and was not asked for")
            case .pending, .rejected, .closed: try demand(!channel.has(key), "tunnel \(key) is open, and not shown so")
            case .draining: break
            }
        }
    }
}
