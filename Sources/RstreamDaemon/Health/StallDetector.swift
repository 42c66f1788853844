internal import Linux
internal import Logging
internal import NIOCore
internal import RstreamCore
internal import RstreamModel
internal import Synchronization
internal import Systemd

/// Whether the daemon does its work: every event loop and the task that changes what runs have to answer now and then.
/// The network and the engine have no say in that.
///
/// What is asked and has not answered yet is guarded by a mutex. Nobody waits for an answer, so one that never comes
/// holds up nothing.
final class StallDetector: Sendable {
    private enum Component: Hashable, Comparable {
        case eventLoop(Int)
        case task

        var name: String {
            switch self {
            case .eventLoop(let number): "event loop \(number)"
            case .task: "the daemon's own task"
            }
        }
    }

    typealias Answer = @Sendable () -> Void

    /// How long an answer may take where no watchdog says otherwise.
    static let patience = Duration.seconds(10)

    private let loops: [any EventLoop]
    private let askTask: @Sendable (@escaping Answer) -> Void
    private let asked = Mutex<[Component: ContinuousClock.Instant]>([:])
    /// Whether the task waits for something that takes its time, and is not expected to answer.
    private let isSuspended = Mutex(false)

    /// `askTask` has to call what it is given once the daemon's task has taken a request.
    init(_ group: any EventLoopGroup, askTask: @escaping @Sendable (@escaping Answer) -> Void) {
        loops = Array(group.makeIterator())
        self.askTask = askTask
    }

    /// Asks everybody who is not being asked already.
    func ask(at now: ContinuousClock.Instant = .now) {
        let components = loops.indices.map { Component.eventLoop($0) } + [.task]
        let idle = asked.withLock { asked in
            let idle = components.filter { asked[$0] == nil }
            for component in idle { asked[component] = now }
            return idle
        }
        for component in idle {
            let answer: Answer = { [self] in asked.withLock { $0[component] = nil } }
            switch component {
            case .eventLoop(let number): loops[number].execute(answer)
            case .task: askTask(answer)
            }
        }
    }

    /// What `body` returns on a thread that may wait for a disk; nil when the daemon is to stop, which does not wait. The
    /// daemon's task, whose call this is, gives no sign of life meanwhile, and nothing is wrong with that.
    func wait<Value: Sendable>(
        for thread: BlockingThreads,
        _ body: @escaping @Sendable () -> Value
    ) async -> Value? {
        isSuspended.withLock { $0 = true }
        defer { resumeTask() }
        return await thread.runUntilStop(body)
    }

    /// What the task was asked meanwhile it is asked from now on.
    private func resumeTask() {
        asked.withLock { asked in
            if asked[.task] != nil { asked[.task] = .now }
        }
        isSuspended.withLock { $0 = false }
    }

    /// Who was asked at least so long ago and has not answered; empty when all is well.
    func ailments(after patience: Duration, at now: ContinuousClock.Instant = .now) -> [String] {
        silent(for: patience, at: now).map { "\($0.name) has not answered for \(patience.secondsText)" }
    }

    private func silent(for patience: Duration, at now: ContinuousClock.Instant) -> [Component] {
        let isSuspended = isSuspended.withLock { $0 }
        return asked.withLock { asked in
            asked.filter { $0.value.duration(to: now) >= patience && !(isSuspended && $0.key == .task) }
        }.keys.sorted()
    }

    /// Asks again and again, and tells systemd's watchdog that the daemon is alive whenever everybody has answered
    /// since the last time, until the task is cancelled. Who is silent for half of the watchdog's time is told to the
    /// log, which is all that is left of it once systemd has acted.
    func watch(_ notifier: ServiceNotifier, watchdog: Duration?, logger: Logger) async {
        let patience = watchdog ?? Self.patience
        // Often enough that one late answer is not the end.
        let interval = patience / 4
        var told: Set<Component> = []
        let alarm = ThreadTimer()
        repeat {
            ask()
            guard (try? await alarm.wait(for: interval)) != nil else { return }
            let now = ContinuousClock.now
            let stuck = silent(for: patience / 2, at: now)
            for component in stuck where !told.contains(component) {
                logger.critical("daemon stalled", metadata: ["part": "\(component.name)"])
            }
            told = Set(stuck)
            // Those who were asked at the beginning of this round, or before.
            if watchdog != nil, silent(for: interval, at: now).isEmpty { notifier.alive() }
        } while !Task.isCancelled
    }
}
