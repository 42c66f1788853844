// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import Logging
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamCore
internal import RstreamModel
internal import RstreamRelay
internal import Synchronization
internal import Systemd

/// Taking over from a predecessor: the shell of ``SuccessorStateMachine``.
extension Daemon {
    /// What a start may take beyond a deadline of the take-over.
    private static let startTime = Duration.seconds(30)
    /// How long sockets of a predecessor that nothing is configured for are kept for listeners that are just starting.
    private static let discardTime = Duration.seconds(2)

    /// Takes over, with the sessions of the first configuration running.
    ///
    /// - Returns: Whether this process is the daemon now. If not, the predecessor has been told, and goes on.
    func takeOver(
        _ succession: Succession,
        _ reconciler: inout Reconciler,
        in group: inout DiscardingTaskGroup
    ) async -> Bool {
        let (statusStore, send, deadline) = (statusStore, send, DelayedCall())
        var machine = SuccessorStateMachine(
            succession.inventory,
            drain: initial.upgrade.drain,
            isRestart: succession.isRestart
        )
        let changes = ChangeNotice { send.yield(.succession(.changed)) }
        // From before the first look, so that no change is missed.
        statusStore.events.observe { changes.changed() }
        defer {
            statusStore.events.observe(nil)
            deadline.cancel()
        }
        var wantsReload = false
        // systemd restarts the service once more: the next program takes over from this one once it has everything.
        var restart: RestartReply?
        var actions = machine.started(statusStore.view(of: machine.awaited))
        var requests = requests.makeAsyncIterator()
        while true {
            for action in actions {
                switch action {
                case .send(let message): succession.link.send(message)
                case .open(let tunnel): dependencies.addresses.free([tunnel])
                case .openOthers:
                    dependencies.addresses.free(statusStore.expectedTunnels.subtracting(succession.inventory.tunnels))
                case .setDeadline(let wait):
                    deadline.set(wait) { send.yield(.succession(.deadlinePassed)) }
                    // systemd waits for READY=1 of a program that it has started. The others are silent.
                    notifier.extendTimeout(by: wait + Self.startTime)
                case .cancelDeadline: deadline.cancel()
                case .serve(let reloads):
                    await serve(after: succession, in: &group)
                    reconciler.takenOver()
                    if reloads || wantsReload { send.yield(.reload(.signal)) }
                    if let restart {
                        restart.expire(after: Self.restartTime)
                        send.yield(.upgrade(.restart(restart)))
                    }
                    return true
                case .insist(let failure):
                    logger.warning("restart goes on, not everything is there", metadata: ["reason": "\(failure)"])
                case .killPredecessor:
                    logger.warning("the process before this one does not answer, killed")
                    succession.kill()
                case .stopPredecessor:
                    await stopBoth(succession, reconciler.running)
                    return false
                case .fail(let failure):
                    hasFailedToTakeOver.withLock { $0 = succession.isRestart }
                    await giveUp(succession, failure, reconciler.running)
                    return false
                }
            }
            guard let request = await requests.next() else { return false }
            switch request {
            case .succession(.link(.message(let message, _))):
                actions = machine.received(message, statusStore.view(of: machine.awaited))
            case .succession(.link(.failure(let failure))): actions = machine.received(failure)
            case .succession(.link(.ended)): actions = machine.ended()
            case .succession(.changed):
                changes.seen()
                actions = machine.changed(statusStore.view(of: machine.awaited))
            case .succession(.deadlinePassed):
                actions = machine.deadlinePassed(statusStore.view(of: machine.awaited))
            case .stop: actions = machine.stopRequested()
            case .reload: (wantsReload, actions) = (true, [])
            case .upgrade(.restart(let reply)):
                actions = []
                // Too late it is a stop, which follows.
                if reply.take() {
                    restart = reply
                    notifier.extendTimeout(by: Self.startTime)
                }
            case .upgrade: actions = []
            case .operatorRequest(let request):
                request.refuse()
                actions = []
            case .networkChanged, .filesChanged, .servabilityChanged, .connectionEnded, .timePassed, .probe:
                await reconciler.take(request, in: &group)
                actions = []
            }
        }
    }

    /// Passes on what the predecessor says until its process has ended.
    func follow(_ succession: Succession) async {
        var processes: Set<Int> = [succession.process]
        for await event in succession.events {
            switch event {
            case .message(.report(let report), _):
                processes.insert(report.pid)
                statusStore.previousChanged(report.pid, to: report.streams > 0 ? PreviousDaemon(report) : nil)
            case .message(.gone(let process), _): statusStore.previousChanged(process, to: nil)
            case .message(.totals(let totals), _): succession.counted(totals)
            case .message(let message, _) where succession.streams.take(message): break
            case .message, .failure: send.yield(.succession(.link(event)))
            case .ended:
                for process in processes { statusStore.previousChanged(process, to: nil) }
                succession.over()
                send.yield(.succession(.link(event)))
            }
        }
    }

    /// The predecessor has given everything up.
    private func serve(after succession: Succession, in group: inout DiscardingTaskGroup) async {
        notifier.speak()
        notifier.alive()
        // What was to be said before was not heard.
        statusStore.resendStatusLine()
        dependencies.state.takeOver()
        adminListeners.takeOver()
        succession.sockets.decide(isOurs: true)
        do throws(RstreamError) {
            for socket in succession.sockets.takeSystemd() { try await adminListeners.open(inherited: socket) }
            try await adminListeners.open(initial, DeferrablePorts(isStart: true))
            adminListeners.startRetries(ReconnectPolicy(initial.reconnect))
        } catch {
            logger.error("admin socket lost", metadata: .facts(of: error))
        }
        dependencies.addresses.freeAll()
        if standIn != nil {
            let link = succession.link
            await notifier.keep(link.descriptor, as: .previous)
        }
        group.addTask { [adminListeners] in
            await adminListeners.retireRest(of: succession.sockets)
            try? await pause(for: Self.discardTime)
            await succession.sockets.discardRest()
            adminListeners.forgetPredecessor()
        }
        logger.notice(
            "taken over",
            metadata: [
                "from": .stringConvertible(succession.process), "version": "\(succession.program)",
                "tunnels": .stringConvertible(succession.inventory.tunnels.count),
            ]
        )
    }

    private func giveUp(
        _ succession: Succession,
        _ failure: UpgradeFailure,
        _ running: RunningConfiguration
    ) async {
        logger.error("taking over failed", metadata: ["reason": "\(failure)"])
        succession.sockets.decide(isOurs: false)
        await succession.refuse(failure.description)
        for session in running.sessions {
            session.drain()
            session.finish()
        }
        streams.cut()
        // The predecessor opens its tunnels again when the connection ends, which is when this process does: by then the
        // tunnels are closed.
    }

    /// The service is stopped before this process has taken over.
    private func stopBoth(_ succession: Succession, _ running: RunningConfiguration) async {
        let timeout = initial.drain.timeout
        notifier.stopping()
        notifier.extendTimeout(by: timeout + Self.startTime)
        succession.sockets.decide(isOurs: false)
        for session in running.sessions { session.drain() }
        // Tunnels that were taken over have visitors already.
        await endStreams(within: timeout, predecessors: Self.endTime)
        for session in running.sessions { session.finish() }
    }

    /// How long the predecessor may take to end once its streams have.
    private static let endTime = Duration.seconds(10)

    /// Ends the streams that processes before this one still have, within a stop's time.
    func stopPredecessor(within timeout: Duration) async {
        guard let succession, !succession.isOver else { return }
        succession.link.send(.stop(withinSeconds: timeout.inSeconds))
        await succession.waitUntilOver()
    }
}

extension StatusStore {
    /// What ``SuccessorStateMachine`` has to know, which asks about these tunnels.
    func view(of tunnels: Set<String>) -> SuccessorStateMachine.View {
        read { state in
            var view = SuccessorStateMachine.View()
            for session in state.sessionStatuses {
                view.sessions[session.context] = (view.sessions[session.context] ?? true) && session.state == .online
                if session.state == .rejected { view.rejected.insert(session.context) }
                if let error = session.lastError { view.problems[session.context] = error.message }
            }
            for name in tunnels {
                guard let index = state.tunnelIndices[name], state.tunnels[index].isExpected else { continue }
                view.tunnels[name] = state.tunnels[index].state.isServed
            }
            return view
        }
    }

    /// The tunnels that are to be open.
    var expectedTunnels: Set<String> { read { Set($0.tunnels.filter(\.isExpected).map(\.name)) } }

    /// The totals of every tunnel and listener.
    var ownerTotals: [(StreamOwner, StreamTotals)] {
        let state = read { $0 }
        let tunnels = (state.tunnels + state.leaving).map { (StreamOwner.tunnel($0.name), $0.configured.ledger.totals) }
        return tunnels + state.listeners.map { (StreamOwner.listener($0.name), $0.ledger.totals) }
    }

    /// What is left of processes that this one has taken over from, by process.
    var previous: [Int: PreviousDaemon] { read(\.previous) }
}

extension TunnelEntry {
    /// Whether it is to be open. One that is closed for its upstreams is not waited for, whatever the predecessor's checks
    /// have found so far.
    fileprivate var isExpected: Bool { configured.suspension == nil && state != .disabled }
}

extension PreviousDaemon {
    /// This process.
    init(streams: Int, until: UTCTime) {
        self.init(pid: Int(getpid()), version: rstreamVersion, streams: streams, until: until)
    }

    init(_ report: UpgradeMessage.Report) {
        self.init(
            pid: report.pid,
            version: report.version,
            streams: max(report.streams, 0),
            until: UTCTime(sinceEpoch: .seconds(min(max(report.until, 0), 1e11)))
        )
    }
}

extension UpgradeMessage.Report {
    init(_ daemon: PreviousDaemon) {
        self.init(
            pid: daemon.pid,
            version: daemon.version,
            streams: daemon.streams,
            until: Double(daemon.until.milliseconds) / 1_000
        )
    }
}
