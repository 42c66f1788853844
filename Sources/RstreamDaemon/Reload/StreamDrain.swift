internal import Linux
internal import Logging
internal import RstreamModel
internal import RstreamRelay

/// Streams of one tunnel or listener that may end until a deadline and are cut then, as `drain` wants it.
///
/// Immutable; what it holds is guarded by itself. Whether it is still there is the ``StatusStore``'s to say.
final class StreamDrain: Sendable {
    let owner: StreamOwner
    /// Whether an operator wanted it, and not a file: then one can also end it.
    let isOperators: Bool
    /// When the streams are cut that have not ended by then.
    let cutAt: UTCTime
    private let streams: DrainingStreams
    private let deadline = DelayedCall()

    /// The time begins to run. Says in the log how many streams there are, and how many had to be cut.
    init(
        _ streams: DrainingStreams,
        of owner: StreamOwner,
        isOperators: Bool,
        within timeout: Duration,
        logger: Logger
    ) {
        (self.streams, self.owner, self.isOperators) = (streams, owner, isOperators)
        cutAt = UTCTime.now.advanced(by: timeout)
        logger.notice(
            "draining, streams may end",
            metadata: [
                owner.logKey: "\(owner.name)", LogKey.streams: .stringConvertible(streams.count),
                LogKey.timeout: .stringConvertible(timeout),
            ]
        )
        deadline.set(timeout) {
            let left = streams.count
            guard left > 0 else { return }
            let facts: Logger.Metadata = [owner.logKey: "\(owner.name)", LogKey.streams: .stringConvertible(left)]
            logger.warning("cutting streams", metadata: facts)
            streams.cut()
        }
    }

    /// Streams that have not ended yet.
    var count: Int { streams.count }

    /// Returns when the last stream has ended or none is waited for any more, or when the task is cancelled.
    func waitUntilOver() async {
        await streams.waitUntilEnded()
        deadline.cancel()
    }

    /// Lets the streams go on. How many those are.
    func end() -> Int {
        deadline.cancel()
        defer { streams.release() }
        return streams.count
    }
}
