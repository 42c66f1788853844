internal import Logging
internal import RstreamModel
internal import Synchronization

/// Says once that something which streams need is not to be had, and once that it is back, however many streams find
/// out.
///
/// One atomic flag, shared by all of them.
final class OutageLog: Sendable {
    private let isDown = Atomic<Bool>(false)
    private let lost: Logger.Message
    private let found: Logger.Message
    private let logger: Logger

    private init(lost: Logger.Message, found: Logger.Message, logger: Logger) {
        self.lost = lost
        self.found = found
        self.logger = logger
    }

    /// About the local service of a tunnel.
    static func upstream(_ logger: Logger) -> OutageLog {
        OutageLog(lost: "the upstream cannot be reached", found: "the upstream is back", logger: logger)
    }

    /// About the tunnel that a listener dials.
    static func dial(_ logger: Logger) -> OutageLog {
        OutageLog(lost: "the tunnel cannot be dialed", found: "the tunnel can be dialed again", logger: logger)
    }

    /// About the taking of connections.
    static func accept(_ logger: Logger) -> OutageLog {
        OutageLog(lost: "connections cannot be taken", found: "connections are taken again", logger: logger)
    }

    func reached() {
        guard isDown.load(ordering: .relaxed), isDown.exchange(false, ordering: .relaxed) else { return }
        logger.notice(found)
    }

    /// `facts` say what becomes of the streams.
    func failed(_ error: RstreamError, _ facts: @autoclosure () -> Logger.Metadata = [:]) {
        guard !isDown.exchange(true, ordering: .relaxed) else { return }
        var facts = facts()
        facts["error"] = "\(error.what)"
        facts["error_code"] = "\(error.code)"
        if let fix = error.fix { facts["fix"] = "\(fix)" }
        logger.warning(lost, metadata: facts)
    }
}
