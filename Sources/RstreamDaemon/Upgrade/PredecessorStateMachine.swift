// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Decides how the running daemon hands everything over to a successor, and when it takes everything back.
///
/// ```
///           asked             ready                 done
/// serving --------> starting -------> handing over ------> retired
///    ^                  |                  |
///    |   ended          |  refused, late, ended, a mistake |
///    +---------- ending <--------------------------------+
/// ```
///
/// Nothing is given away before the successor is ``State/retired``: listening sockets stay open here, and a tunnel is
/// closed at the engine only when the successor asks for that very tunnel. What the successor asked for is opened again
/// when it does not get that far, once its process is gone. The shell carries actions out in order and reports
/// ``released(_:)`` for each ``Action/release(_:)``.
///
/// When systemd restarts the service, it is systemd that starts the program: this process leaves the end of a connection
/// with it, which the program finds, and is not the service's main process any more. It serves on meanwhile. When a
/// program fails, or systemd lets go of the connection, it asks whether systemd will start another one; if not, or when
/// none has taken over in time, it stops as it would have stopped at once.
///
/// ```
///           restart           ready                 done
/// serving ---------> starting -------> handing over ------> retired
///                     ^     |               |
///        another one  |     | ended, failed |
///                    asking <---------------+
///                     | no other one, or late
///                     v
///                  stopped
/// ```
package struct PredecessorStateMachine: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        case serving
        /// The program was started and has not said yet that it is ready.
        case starting
        case handingOver
        /// It has failed, and has to be gone before the tunnels are opened again.
        case ending(UpgradeFailure)
        /// Of a restart: will systemd start another program?
        case asking
        case retired
        /// The daemon stops.
        case stopped
    }

    package struct Timeouts: Hashable, Sendable {
        /// From the start of the program until it is ready.
        package var ready = Duration.seconds(60)
        /// From one message of the successor to the next one.
        package var progress = Duration.seconds(60)
        /// For a successor that failed to leave by itself.
        package var ending = Duration.seconds(5)
        /// From systemd's restart until a program has begun to take over.
        package var restart = Duration.seconds(90)
        /// For systemd to answer.
        package var answer = Duration.seconds(5)

        package init() {}
    }

    package enum Action: Hashable, Sendable {
        case start
        /// Leave the end of a connection with systemd for the program that it starts, and the place of the main process.
        case leave
        /// Report ``PredecessorStateMachine/answered(mayStart:)``.
        case ask
        /// Report ``PredecessorStateMachine/restartTimePassed()`` after this time.
        case setRestartTime(Duration)
        /// This process stays the service's main process, and stops in the ordinary way. The log says why, if it is known.
        case decline(UpgradeFailure?)
        /// Stop the daemon in the ordinary way.
        case stop(UpgradeFailure)
        /// Report ``PredecessorStateMachine/deadlinePassed()`` after this time, instead of an earlier one.
        case setDeadline(Duration)
        case cancelDeadline
        case send(UpgradeMessage)
        /// Close the tunnel at the engine and keep its streams.
        case release(String)
        /// Give up what listens, tell the service manager, and then the successor. Streams may last this long.
        case retire(drain: Duration)
        /// The connection is of no use any more.
        case hangUp
        case kill
        /// Open the tunnels again that were released.
        case takeBack
        /// The operator who asked gets this outcome, and the log.
        case answer(Outcome)
    }

    package enum Outcome: Hashable, Sendable {
        case takenOver(pid: Int, program: String)
        case failed(UpgradeFailure)
        /// Another take-over goes on.
        case busy
        case stopping
    }

    package private(set) var state = State.serving
    private let timeouts: Timeouts
    /// The successor, once it has said who it is.
    private var successor: (pid: Int, program: String)?
    /// Whether a reload was asked for since the successor was started, which has read the files by then.
    private var wantsReload = false
    private var isKilled = false
    /// Whether systemd starts the program.
    package private(set) var isRestart = false
    private var isLate = false
    /// How often a connection was left with systemd.
    private var departures = 0

    package init(timeouts: Timeouts = Timeouts()) { self.timeouts = timeouts }

    package static func == (left: Self, right: Self) -> Bool {
        left.state == right.state && left.wantsReload == right.wantsReload && left.isKilled == right.isKilled
            && left.successor?.pid == right.successor?.pid && left.isRestart == right.isRestart
            && left.isLate == right.isLate && left.departures == right.departures
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(state)
        hasher.combine(wantsReload)
    }

    /// More programs than systemd starts in the time that there is.
    private static let mostDepartures = 60

    /// Whether nothing else may change what runs.
    package var isUnderWay: Bool {
        switch state {
        case .starting, .handingOver, .ending, .asking: true
        case .serving, .retired, .stopped: false
        }
    }

    package mutating func upgradeRequested() -> [Action] {
        switch state {
        case .serving:
            self = Self(timeouts: timeouts)
            state = .starting
            return [.start, .setDeadline(timeouts.ready)]
        case .starting, .handingOver, .ending, .asking: return [.answer(.busy)]
        case .retired, .stopped: return [.answer(.stopping)]
        }
    }

    /// systemd restarts the service.
    package mutating func restartRequested() -> [Action] {
        guard state == .serving else { return [.decline(nil)] }
        self = Self(timeouts: timeouts)
        (isRestart, departures, state) = (true, 1, .starting)
        return [.leave, .setRestartTime(timeouts.restart)]
    }

    /// The program cannot be started, or nothing can be left with systemd.
    package mutating func startFailed(_ failure: UpgradeFailure) -> [Action] {
        guard state == .starting else { return [] }
        if isRestart, departures > 1 { return stop(failure) }
        state = .serving
        if isRestart {
            isRestart = false
            return [.cancelDeadline, .hangUp, .decline(failure)]
        }
        return [.cancelDeadline, .hangUp, .answer(.failed(failure))]
    }

    /// A reload was asked for. Returns whether it has to wait for the end of the take-over.
    package mutating func reloadRequested() -> Bool {
        guard isUnderWay else { return false }
        wantsReload = true
        return true
    }

    /// Whether a reload was asked for during the take-over. The answer is given once.
    package mutating func takeReload() -> Bool {
        defer { wantsReload = false }
        return wantsReload
    }

    package mutating func received(_ message: UpgradeMessage) -> [Action] {
        switch (state, message) {
        case (.starting, .done(let seconds)), (.handingOver, .done(let seconds)), (.ending, .done(let seconds)):
            return done(seconds)
        // The service is stopped before the program has taken over.
        case (.starting, .stop) where isRestart, (.handingOver, .stop) where isRestart,
            (.ending, .stop) where isRestart:
            return stop(UpgradeFailure("the service was stopped"))
        case (.serving, _), (.ending, _), (.asking, _), (.retired, _), (.stopped, _), (.starting, .started): return []
        case (.starting, .hello(let version, let program, let pid)):
            guard version == UpgradeMessage.version else {
                return fail(
                    UpgradeFailure("the new program, \(program), hands over differently: restart the service instead")
                )
            }
            successor = (pid, program)
            // It was started just now, not when this was left to it.
            return isRestart ? [.setDeadline(timeouts.ready)] : []
        case (.starting, .ready) where successor != nil:
            state = .handingOver
            return [.send(.begin), .setDeadline(timeouts.progress)]
        case (.handingOver, .release(let tunnel)): return [.release(tunnel), .setDeadline(timeouts.progress)]
        case (_, .refused(let reason, let diagnostics)): return fail(UpgradeFailure(reason, diagnostics))
        default: return fail(Self.mistake)
        }
    }

    /// The program of a restart does not have to be ready for it: there is no way back.
    private mutating func done(_ seconds: Double) -> [Action] {
        if case .ending = state, !isRestart { return [] }
        guard let successor, isRestart || state == .handingOver, seconds >= 0, seconds <= Self.longestDrain else {
            return fail(Self.mistake)
        }
        state = .retired
        return [
            .cancelDeadline, .retire(drain: .seconds(seconds)),
            .answer(.takenOver(pid: successor.pid, program: successor.program)),
        ]
    }

    /// Longer than any duration of a configuration.
    private static let longestDrain = 1e9
    private static let mistake = UpgradeFailure("the new program said something unexpected")

    /// A record that is no message.
    package mutating func received(_ failure: UpgradeFailure) -> [Action] { isUnderWay ? fail(failure) : [] }

    /// A tunnel is closed at the engine.
    package mutating func released(_ tunnel: String) -> [Action] {
        state == .handingOver ? [.send(.released(tunnel: tunnel))] : []
    }

    /// The connection has ended, and with it the program. `how` says more, where that is known.
    package mutating func ended(_ how: String? = nil) -> [Action] {
        switch state {
        case .starting, .handingOver:
            let failure = UpgradeFailure(
                "the new program ended" + (how.map { " \($0)" } ?? " before it had taken over")
            )
            return over(failure)
        case .ending(let failure): return over(failure)
        case .serving, .asking, .retired, .stopped: return []
        }
    }

    package mutating func deadlinePassed() -> [Action] {
        switch state {
        case .starting:
            return fail(UpgradeFailure("the new program was not ready within \(timeouts.ready.components.seconds) s"))
        case .handingOver:
            let limit = timeouts.progress.components.seconds
            return fail(UpgradeFailure("the new program has said nothing for \(limit) s"))
        case .ending(let failure):
            // A process that does not even die keeps nothing alive here.
            guard !isKilled, !isRestart else { return over(failure) }
            isKilled = true
            return [.kill, .setDeadline(timeouts.ending)]
        case .asking: return answered(mayStart: false)
        case .serving, .retired, .stopped: return []
        }
    }

    /// Of a restart: systemd says whether it may start another program.
    package mutating func answered(mayStart: Bool) -> [Action] {
        guard state == .asking else { return [] }
        guard mayStart else { return stop(UpgradeFailure("systemd starts no other process")) }
        guard departures < Self.mostDepartures else { return stop(UpgradeFailure("no process could take over")) }
        departures += 1
        state = .starting
        return [.cancelDeadline, .leave]
    }

    /// Of a restart: no program has taken over for long. One that is about to may go on.
    package mutating func restartTimePassed() -> [Action] {
        guard isRestart, isUnderWay else { return [] }
        isLate = true
        guard successor == nil else { return [] }
        return stop(late)
    }

    private var late: UpgradeFailure {
        UpgradeFailure("no process has taken over within \(timeouts.restart.components.seconds) s")
    }

    /// The connection stays, so that the process at its other end sees when this process has ended.
    private mutating func stop(_ failure: UpgradeFailure) -> [Action] {
        state = .stopped
        return [.cancelDeadline, .stop(failure)]
    }

    /// The daemon is to stop: what the successor has is closed with it.
    package mutating func stopRequested() -> [Action] {
        defer { if state != .retired { state = .stopped } }
        guard isUnderWay else { return [] }
        return [
            .cancelDeadline, .send(.abort(reason: "the daemon was asked to stop")), .kill, .hangUp, .answer(.stopping),
        ]
    }

    private mutating func fail(_ failure: UpgradeFailure) -> [Action] {
        state = .ending(failure)
        return [.send(.abort(reason: failure.description)), .setDeadline(timeouts.ending)]
    }

    private mutating func over(_ failure: UpgradeFailure) -> [Action] {
        if isRestart {
            // One that has said nothing was not there: systemd has closed what was left with it.
            let report: [Action] = successor == nil ? [] : [.takeBack, .answer(.failed(failure))]
            (successor, state) = (nil, .asking)
            let next = isLate ? stop(late) : [.ask, .setDeadline(timeouts.answer)]
            return [.cancelDeadline, .hangUp] + report + next
        }
        state = .serving
        return [.cancelDeadline, .hangUp, .takeBack, .answer(.failed(failure))]
    }
}
