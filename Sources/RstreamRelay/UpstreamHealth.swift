internal import Logging
internal import RstreamModel
internal import Synchronization

/// Says once that an upstream cannot be reached and once that it is back, however many streams find out.
///
/// One atomic flag, shared by all streams of a tunnel.
final class UpstreamHealth: Sendable {
    private let isDown = Atomic<Bool>(false)
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    func reached() {
        guard isDown.load(ordering: .relaxed), isDown.exchange(false, ordering: .relaxed) else { return }
        logger.notice("the upstream is back")
    }

    func failed(_ error: RstreamError) {
        guard !isDown.exchange(true, ordering: .relaxed) else { return }
        var facts: Logger.Metadata = ["error": "\(error.what)", "error_code": "\(error.code)"]
        if let fix = error.fix { facts["fix"] = "\(fix)" }
        logger.warning("the upstream cannot be reached, closing its streams", metadata: facts)
    }
}
