internal import Logging
internal import RstreamModel
internal import Synchronization

/// Says once that something which streams need is not to be had, and once that it is back, however many streams find
/// out.
///
/// Two atomic flags, shared by all of them.
final class OutageLog: Sendable {
    private let isDown = Atomic<Bool>(false)
    /// Another one has taken its place, so nobody but the log is told any more.
    private let isReplaced = Atomic<Bool>(false)
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
        logger.notice(found)
        tell(nil)
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

    /// `facts` say what becomes of the streams.
    func failed(_ error: RstreamError, _ facts: @autoclosure () -> Logger.Metadata = [:]) {
        guard !isDown.exchange(true, ordering: .relaxed) else { return }
        var facts = facts()
        facts["error"] = "\(error.what)"
        facts["error_code"] = "\(error.code)"
        if let fix = error.fix { facts["fix"] = "\(fix)" }
        logger.warning(lost, metadata: facts)
        tell(error)
    }
}
