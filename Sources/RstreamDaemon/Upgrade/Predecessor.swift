// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import Logging
internal import RstreamAdmin
internal import RstreamModel
internal import RstreamRelay
internal import Systemd

/// Carries out what ``PredecessorStateMachine`` decides: starts the program, tells it what there is, closes tunnels for it
/// and opens them again.
///
/// Confined to the request loop of ``Daemon``.
struct Predecessor {
    struct Dependencies {
        /// Nil where it is not known how this program was started.
        let program: ProgramStart?
        /// What stands for this process where systemd runs it.
        let standIn: StandIn?
        let adminListeners: AdminListeners
        let state: StateDirectory
        let statusStore: StatusStore
        let streams: StreamTable
        let notifier: ServiceNotifier
        let send: @Sendable (UpgradeEvent) -> Void
        /// Requests the daemon's stop.
        let stop: @Sendable () -> Void
        let logger: Logger
    }

    private(set) var machine: PredecessorStateMachine
    /// Once the successor has everything.
    private(set) var retirement: Retirement?
    private let dependencies: Dependencies
    private let deadline = DelayedCall()
    private let restartTime = DelayedCall()
    private var restartReply: RestartReply?
    private var link: UpgradeLink?
    /// The process that was started while it has not ended, and the one that this left behind.
    private var processes: (first: Int32?, second: Int32?) = (nil, nil)
    private var attempt = 0
    private var replies: [OperatorRequest.Reply<UpgradeReply>] = []

    init(_ dependencies: Dependencies, timeouts: PredecessorStateMachine.Timeouts) {
        self.dependencies = dependencies
        machine = PredecessorStateMachine(timeouts: timeouts)
    }

    // MARK: Events

    mutating func upgrade(
        _ reply: OperatorRequest.Reply<UpgradeReply>?,
        _ running: inout RunningConfiguration
    ) async {
        if machine.isUnderWay {
            reply?.resume(throwing: Problem(.busy, "an upgrade is under way"))
            return
        }
        if let reply { replies.append(reply) }
        await perform(machine.upgradeRequested(), &running)
    }

    mutating func take(_ event: UpgradeEvent, _ running: inout RunningConfiguration) async {
        switch event {
        case .requested: await upgrade(nil, &running)
        case .restart(let reply):
            // Too late it is a stop, which follows.
            guard reply.take() else { return }
            // Another one is under way, which declines.
            if machine.isUnderWay { return reply.answer(.stops) }
            restartReply = reply
            await perform(machine.restartRequested(), &running)
        case .restartTimePassed: await perform(machine.restartTimePassed(), &running)
        case .planned(let attempt, let plan):
            if attempt == self.attempt { await perform(machine.answered(mayStart: plan?.mayStart ?? false), &running) }
        case .link(let attempt, _) where attempt != self.attempt: break
        case .link(_, .message(let message, let descriptors)):
            for descriptor in descriptors { close(descriptor) }
            if case .started(let pid) = message { processes.second = Int32(exactly: pid) }
            await perform(machine.received(message), &running)
        case .link(_, .failure(let failure)): await perform(machine.received(failure), &running)
        case .link(_, .ended): await perform(machine.ended(), &running)
        case .processEnded(let attempt, let end):
            guard attempt == self.attempt else { return }
            processes.first = nil
            // The first half of the program ends in order once there is a second one.
            if let how = end.description { await perform(machine.ended(how), &running) }
        case .deadlinePassed(let attempt):
            if attempt == self.attempt { await perform(machine.deadlinePassed(), &running) }
        case .released(let attempt, let tunnel):
            if attempt == self.attempt { await perform(machine.released(tunnel), &running) }
        case .drained, .reportDue: break
        }
    }

    /// Whether a reload has to wait for the end of the take-over.
    mutating func defersReload() -> Bool { machine.reloadRequested() }

    /// Whether a reload has waited for the end of a take-over that has failed.
    mutating func takeDeferredReload() -> Bool { machine.state == .serving && machine.takeReload() }

    mutating func stop(_ running: inout RunningConfiguration) async {
        await perform(machine.stopRequested(), &running)
    }

    // MARK: Actions

    private mutating func perform(
        _ actions: [PredecessorStateMachine.Action],
        _ running: inout RunningConfiguration
    ) async {
        for action in actions {
            switch action {
            case .start:
                do throws(UpgradeFailure) {
                    try await start(running)
                } catch {
                    await perform(machine.startFailed(error), &running)
                    return
                }
            case .leave:
                do throws(UpgradeFailure) {
                    try await leave(running)
                } catch {
                    await perform(machine.startFailed(error), &running)
                    return
                }
            case .ask:
                let (attempt, send) = (attempt, dependencies.send)
                BlockingThreads(most: 1).submit { send(.planned(attempt: attempt, UnitPlan.current())) }
            case .setRestartTime(let wait):
                let send = dependencies.send
                restartTime.set(wait) { send(.restartTimePassed) }
            case .decline(let failure):
                restartTime.cancel()
                if let failure { logStop(failure) }
                restartReply?.answer(.stops)
                restartReply = nil
            case .stop(let failure):
                restartTime.cancel()
                logStop(failure)
                dependencies.stop()
            case .setDeadline(let wait):
                let (attempt, send) = (attempt, dependencies.send)
                deadline.set(wait) { send(.deadlinePassed(attempt: attempt)) }
            case .cancelDeadline: deadline.cancel()
            case .send(let message): link?.send(message)
            case .release(let tunnel):
                let (attempt, send) = (attempt, dependencies.send)
                running.release(tunnel) { send(.released(attempt: attempt, tunnel: tunnel)) }
            case .retire(let drain): await retire(drain, running)
            case .hangUp:
                link?.hangUp()
                link = nil
            case .kill:
                for process in [processes.first, processes.second].compactMap({ $0 }) { Glibc.kill(process, SIGKILL) }
            case .takeBack: running.takeBack()
            case .answer(let outcome): answer(outcome)
            }
        }
    }

    private func logStop(_ failure: UpgradeFailure) {
        dependencies.logger.notice("no process takes over, stopping", metadata: ["reason": "\(failure)"])
    }

    private mutating func start(_ running: RunningConfiguration) async throws(UpgradeFailure) {
        attempt += 1
        processes = (nil, nil)
        guard getpid() != 1 else {
            throw UpgradeFailure(
                "this daemon is process 1, and the container would end with it: replace the container instead"
            )
        }
        guard let program = dependencies.program else {
            throw UpgradeFailure("the path of this program is unknown: start it by an absolute path")
        }
        dependencies.logger.notice("upgrade started", metadata: ["program": "\(program.path)"])
        let (attempt, send) = (attempt, dependencies.send)
        let (ours, theirs): (RecordSocket, RecordSocket)
        let process: Int32
        do throws(SystemError) {
            (ours, theirs) = try RecordSocket.makePair()
            process = try await Self.starting.tryRun { () throws(SystemError) in try program.start(passing: theirs) }
        } catch {
            throw UpgradeFailure("cannot start \(program.path): \(error.reason)")
        }
        processes.first = process
        // A thread for each, because a program that does not know what is wanted of it may stay.
        BlockingThreads(most: 1).submit {
            send(.processEnded(attempt: attempt, ChildProcess.wait(for: process)))
        }
        await tell(ours, running)
    }

    private static let starting = BlockingThreads(most: 1)

    /// Leaves the other end of a connection with systemd, and the place of the main process.
    private mutating func leave(_ running: RunningConfiguration) async throws(UpgradeFailure) {
        attempt += 1
        processes = (nil, nil)
        let ours: RecordSocket
        do throws(SystemError) {
            let (end, theirs) = try RecordSocket.makePair()
            await dependencies.notifier.keep(theirs.descriptor, as: .takeOver)
            withExtendedLifetime(theirs) {}
            ours = end
        } catch {
            throw UpgradeFailure("cannot connect to the next process: \(error.reason)")
        }
        // Closed here, it is open with systemd alone.
        guard !ours.isEnded else { throw UpgradeFailure("systemd does not keep the connection to the next process") }
        await tell(ours, running)
        guard let reply = restartReply else { return }
        restartReply = nil
        dependencies.logger.notice("restart, the next process takes over")
        dependencies.notifier.fallSilent()
        dependencies.standIn?.leave()
        reply.answer(.leaves)
    }

    /// Tells the successor at the other end what there is.
    private mutating func tell(_ socket: RecordSocket, _ running: RunningConfiguration) async {
        let (attempt, send) = (attempt, dependencies.send)
        let link = UpgradeLink(socket)
        self.link = link
        link.receive { send(.link(attempt: attempt, $0)) }
        link.send(.hello(version: UpgradeMessage.version, program: rstreamVersion, pid: Int(getpid())))
        for tunnel in running.inventory { link.send(.tunnel(tunnel)) }
        for session in dependencies.statusStore.sessionStatuses where session.state == .online {
            link.send(.context(name: session.context))
        }
        for (label, descriptors) in await dependencies.adminListeners.copySockets() {
            link.send(.sockets(label), descriptors)
        }
        for service in running.listening {
            guard let (descriptors, file) = await service.listener.copySockets() else { continue }
            link.send(.sockets(SocketLabel(.listener, service.listener.address.description, file)), descriptors)
        }
        link.send(.inventoryEnd)
    }

    /// Nothing comes to this process any more. systemd is told before the successor is, which then speaks for the
    /// service.
    private mutating func retire(_ drain: Duration, _ running: RunningConfiguration) async {
        guard let link else { return }
        restartTime.cancel()
        await dependencies.adminListeners.handOver()
        for listener in running.listening { await listener.handOver() }
        await dependencies.state.giveUp()
        if let process = processes.second { await dependencies.notifier.handOver(to: process) }
        retirement = Retirement(link, drain: drain, streams: dependencies.streams.activeCount, dependencies.statusStore)
        link.send(.committed(reloads: machine.takeReload()))
    }

    private mutating func answer(_ outcome: PredecessorStateMachine.Outcome) {
        defer { replies = [] }
        switch outcome {
        case .takenOver(let pid, let program):
            let reply = UpgradeReply(
                outcome: .takenOver,
                pid: pid,
                version: program,
                message: "process \(pid) of version \(program) has taken over"
            )
            for waiter in replies { waiter.resume(returning: reply) }
        case .failed(let failure):
            for diagnostic in failure.diagnostics {
                dependencies.logger.log(diagnostic)
            }
            dependencies.logger.warning(
                "upgrade failed, everything goes on as before",
                metadata: ["reason": "\(failure)"]
            )
            let reply = UpgradeReply(
                outcome: .refused,
                message: failure.description,
                diagnostics: failure.diagnostics
            )
            for waiter in replies { waiter.resume(returning: reply) }
        case .busy, .stopping:
            for waiter in replies { waiter.resume(throwing: Problem(.stopping, "the daemon is stopping")) }
        }
    }
}

extension Logger {
    fileprivate func log(_ diagnostic: DiagnosticReport) {
        var facts: Metadata = [
            LogKey.file: "\(diagnostic.file)", "line": .stringConvertible(diagnostic.line),
            "column": .stringConvertible(diagnostic.column), LogKey.error: "\(diagnostic.message)",
        ]
        if let hint = diagnostic.hint { facts[LogKey.fix] = "\(hint)" }
        log(level: diagnostic.severity == "error" ? .error : .warning, "configuration diagnostic", metadata: facts)
    }
}

extension ChildProcess.End {
    /// Nil for an end in order.
    fileprivate var description: String? {
        switch self {
        case .status(0): nil
        case .status(let status): "with status \(status)"
        case .signal(let signal): "by signal \(signal)"
        }
    }
}
