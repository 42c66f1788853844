// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamDaemon
import RstreamModel
import RstreamTestSupport

/// What must be true of a process after each step.
extension SimulatedProcess {
    // MARK: What it says

    /// Whether everything that the files want is served, here and at the engine.
    var isServing: Bool {
        var wanted = configuration
        for index in wanted.tunnels.indices { wanted.tunnels[index].isSuspended = false }
        guard phase == .serving, !predecessor.machine.isUnderWay, !isBusy, wanted == world.host.files,
            listeners.values.allSatisfy(\.isListening), sessions.count == running.count
        else { return false }
        return configuration.tunnels.filter(\.isEnabled).allSatisfy { tunnel in
            let (name, hostname) = (tunnel.wanted.name, tunnel.wanted.properties.hostname)
            guard let running = running.first(where: { $0.keys[name] != nil }),
                running.session.machine.state == .online, running.session.tunnels.count == running.keys.count,
                let channel = running.session.channel, !channel.hasEnded,
                let shown = running.session.shown(name), shown.key == running.keys[name],
                case .online = shown.state, let place = world.engine.place(of: name)
            else { return false }
            return place.link == channel.link && (hostname == nil || place.hostname == hostname)
        }
    }

    /// Whether no stream is open.
    var isIdle: Bool { table.streams.isEmpty && sessions.allSatisfy { $0.channel?.isIdle ?? true } }

    var text: String {
        let sessions = sessions.map { session in
            let tunnels = session.tunnels.values.sorted { $0.key < $1.key }.map { "\($0.name) \($0.state)" }
            return "session \(session.context) \(session.machine.state), \(tunnels.joined(separator: ", "))"
        }
        return (["\(phase), \(predecessor.text), \(table.streams.count) streams"] + sessions).joined(separator: "; ")
    }

    // MARK: What must be true

    /// Whether something is overdue that should have come at this time. The host may have been asleep then.
    private func isLate(_ time: Int) -> Bool { world.now - max(time, world.host.resumedAt) > Self.slack }

    func check() {
        do {
            if changes.concernStreams { try checkStreams() }
            if changes.concernConfiguration { try checkConfiguration() }
            (changes.concernStreams, changes.concernConfiguration) = (false, false)
            try checkReload()
            for session in sessions {
                try check(session)
                if let channel = session.channel { try check(channel, session) }
            }
        } catch {
            world.complain("process \(number): \(error)")
        }
    }

    private func checkStreams() throws(Complaint) {
        try demand(table.streams.count <= table.capacity, "\(table.streams.count) streams are open")
        try demand(table.isTrue, "the streams that are counted are not those that there are")
        try demand(!table.isForgotten, "the last stream has ended, and the drain goes on")
        for (name, ledger) in ledgers {
            try demand(ledger.isWithinLimit, "\(name) has \(ledger.open.count) streams, more than it may")
        }
        for (name, pool) in pools {
            try demand(pool.isTrue, "the upstreams of \(name) count other streams than there are")
        }
    }

    /// Whether what runs is what the configuration says.
    private func checkConfiguration() throws(Complaint) {
        guard phase == .serving || phase == .succeeding, !isBusy else { return }
        let opened = configuration.tunnels.filter(\.isOpened)
        if released.isEmpty {
            let keys = running.flatMap(\.keys.keys)
            try demand(keys.count == Set(keys).count, "a tunnel is on two sessions")
            try demand(Set(keys) == Set(opened.map(\.wanted.name)), "it runs \(keys.sorted())")
        }
        for running in running {
            let session = running.session
            try demand(!session.isOver, "session \(session.context) is over, and wanted")
            guard session.pendingChanges == 0 else { continue }
            for (name, key) in running.keys {
                let wanted = configuration[name]?.wanted.properties
                guard let tunnel = session.tunnels[key] else {
                    throw Complaint("\(name) is to run, and session \(session.context) does not have it")
                }
                try demand(tunnel.wanted == wanted, "\(name) runs with other properties than it is to have")
            }
        }
    }

    /// A reload that was asked for during a take-over is made afterwards, by whichever process serves.
    private func checkReload() throws(Complaint) {
        guard let taken = world.host.reloadTakenAt, readAt < taken, number == world.host.main, phase == .serving,
            !isBusy, queue.isEmpty, !predecessor.machine.isUnderWay
        else {
            overlooksReloadSince = nil
            return
        }
        let since = overlooksReloadSince ?? world.now
        overlooksReloadSince = since
        try demand(!isLate(since), "a reload was asked for, and not made")
    }

    /// After a reload: what is said to be applied is in force.
    func checkApplied(_ next: SimulatedConfiguration) {
        for tunnel in next.tunnels where tunnel.isOpened {
            let name = tunnel.wanted.name
            guard let running = running.first(where: { $0.keys[name] != nil }) else {
                return world.complain("\(name) was said to run after a reload")
            }
            if running.acceptors[name]?.lineup.local != tunnel.wanted.local {
                world.complain("the streams of \(name) go where they went before the reload")
            }
            if running.wanted.identity != next.identity(of: tunnel.wanted.context) {
                world.complain("\(name) is on a session with another credential")
            }
        }
        for listener in next.listeners where listeners[listener.name]?.port != listener.port {
            world.complain("\(listener.name) does not listen where the files say")
        }
    }

    private func check(_ session: SimulatedSession) throws(Complaint) {
        let (state, name) = (session.machine.state, session.context)
        switch state {
        case .idle: break
        case .connecting:
            try demand(session.dialing.contains(session.attempt), "\(name) connects, and does not dial")
        case .online, .renewing, .draining:
            try demand(session.channel != nil, "\(name) is \(state) without a channel")
        case .waiting, .rejected:
            try demand(session.channel == nil, "\(name) waits, and has a channel")
            try demand(session.nextAttemptAt != nil && session.due != nil, "\(name) does not say how long it waits")
            // Its event may be on its way.
            try demand(session.timer?.isArmed == true || !isLate(session.due ?? 0), "\(name) waits for nothing")
            try demand(!isLate(session.due ?? 0), "the next attempt of \(name) is overdue")
        case .closed: break
        }
        if state != .closed {
            let waits = state == .waiting || state == .rejected
            try demand(waits == (session.nextAttemptAt != nil), "\(name) is \(state), and names a next attempt")
        }
        for tunnel in session.tunnels.values where tunnel.isWaiting {
            let due = tunnel.timer?.due ?? 0
            try demand(tunnel.timer?.isArmed == true || !isLate(due), "\(tunnel.name) waits for nothing")
            try demand(!isLate(due), "the next attempt of \(tunnel.name) is overdue")
        }
    }

    private func check(_ channel: SimulatedChannel, _ session: SimulatedSession) throws(Complaint) {
        let most = SimulatedPrewarming.policy.maximum
        try demand(channel.prewarming.connections.count <= most, "more than \(most) connections are warm")
        if channel.hasEnded {
            try demand(channel.prewarming.connections.isEmpty, "connections are warm without a channel")
            return try demand(
                session.isOver || !isLate(channel.endedAt),
                "\(session.context) is \(session.machine.state) although its channel has ended"
            )
        }
        try demand(!channel.hasForgottenStream, "a stream is not answered")
        guard isLate(channel.changedAt) else { return }
        for key in channel.tunnels.values {
            try demand(session.tunnels[key] != nil, "tunnel \(key) is open, and no longer wanted")
        }
        for (key, tunnel) in session.tunnels {
            let name = tunnel.name
            switch tunnel.state {
            case .online(let id): try demand(channel.tunnels[id] == key, "\(name) is online without a grant")
            case .opening: try demand(channel.isRequested(key), "\(name) is opening, and was not asked for")
            case .pending, .rejected, .closed: try demand(!channel.has(key), "\(name) is open, and not shown so")
            case .draining: break
            }
        }
    }

    /// When it has ended in order.
    func checkEnd() {
        if !addresses.isEmpty { world.complain("process \(number) has ended with addresses") }
        if !table.streams.isEmpty { world.complain("process \(number) has ended with streams") }
        if warmConnections != 0 { world.complain("process \(number) has ended with warm connections") }
    }

    /// Processes, sessions and streams refer to each other.
    func clear() {
        for session in sessions { session.clear() }
        for running in running { running.session.clear() }
        for half in halves { half.clear() }
        table.clear()
        (sessions, running) = ([], [])
    }
}
