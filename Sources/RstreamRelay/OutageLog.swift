internal import Logging
internal import RstreamModel
internal import Synchronization

/// Says once that something which streams need is not to be had, and once that it is back, however many streams find
/// out. What fails now and then would fill the log with both, so within a minute no second outage is told unless it
/// lasts longer than that.
///
/// Three atomic flags, shared by all of them, and a mutex for those that failed.
final class OutageLog: Sendable {
    /// The time from one outage that is told to the next.
    static let pause = Duration.seconds(60)

    private let isDown = Atomic<Bool>(false)
    /// Whether an outage was told whose end was not.
    private let isTold = Atomic<Bool>(false)
    /// Another one has taken its place, so nobody but the log is told any more.
    private let isReplaced = Atomic<Bool>(false)
    private let toldAt = Mutex<ContinuousClock.Instant?>(nil)
    private let observer: (any StreamObserver)?
    private let lost: Logger.Message
    private let found: Logger.Message
    private let logger: Logger

    private init(
        lost: Logger.Message,
        found: Logger.Message,
        observer: (any StreamObserver)? = nil,
        logger: Logger
    ) {
        self.observer = observer
        self.lost = lost
        self.found = found
        self.logger = logger
    }

    /// About the local service of a tunnel.
    static func upstream(_ logger: Logger, _ observer: (any StreamObserver)?) -> OutageLog {
        OutageLog(
            lost: "the upstream cannot be reached",
            found: "the upstream is back",
            observer: observer,
            logger: logger
        )
    }

    /// About the tunnel that a listener dials.
    static func dial(_ logger: Logger, _ observer: (any StreamObserver)?) -> OutageLog {
        OutageLog(
            lost: "the tunnel cannot be dialed",
            found: "the tunnel can be dialed again",
            observer: observer,
            logger: logger
        )
    }

    /// About the taking of connections.
    static func accept(_ logger: Logger) -> OutageLog {
        OutageLog(lost: "connections cannot be taken", found: "connections are taken again", logger: logger)
    }

    func reached() {
        guard isDown.load(ordering: .relaxed), isDown.exchange(false, ordering: .relaxed) else { return }
        if isTold.exchange(false, ordering: .relaxed) { logger.notice(found) }
        tell(nil)
    }

    /// `facts` say what becomes of the streams.
    func failed(
        _ error: RstreamError,
        _ facts: @autoclosure () -> Logger.Metadata = [:],
        at now: ContinuousClock.Instant = .now
    ) {
        if !isDown.exchange(true, ordering: .relaxed) { tell(error) }
        guard !isTold.load(ordering: .relaxed) else { return }
        let isDue = toldAt.withLock { toldAt in
            if let last = toldAt, last.duration(to: now) < Self.pause { return false }
            toldAt = now
            return true
        }
        guard isDue else { return }
        isTold.store(true, ordering: .relaxed)
        var facts = facts()
        facts["error"] = "\(error.what)"
        facts["error_code"] = "\(error.code)"
        if let fix = error.fix { facts["fix"] = "\(fix)" }
        logger.warning(lost, metadata: facts)
    }

    /// Something else is what streams need from now on: whatever was wrong with this does not matter any more.
    func replaced() {
        tell(nil)
        isReplaced.store(true, ordering: .relaxed)
    }

    private func tell(_ error: RstreamError?) {
        guard !isReplaced.load(ordering: .relaxed) else { return }
        observer?.reachabilityChanged(error)
    }
}
