// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import RstreamModel
internal import RstreamRelay

/// A drain: streams of one tunnel or listener that may last until a deadline, and are cut then.
///
/// Immutable; its members guard themselves. The ``StatusStore`` lists the running drains.
final class StreamDrain: Sendable {
    let owner: StreamOwner
    /// Whether the tunnel may open again, for an operator or a health check, which cancels it.
    let isTemporary: Bool
    /// When the remaining streams are cut.
    let cutAt: UTCTime
    private let streams: DrainingStreams
    private let deadline = DelayedCall()

    /// Starts the timeout, and logs the drain and the streams that are cut at its end.
    init(
        _ streams: DrainingStreams,
        of owner: StreamOwner,
        isTemporary: Bool,
        within timeout: Duration,
        logger: Logger
    ) {
        (self.streams, self.owner, self.isTemporary) = (streams, owner, isTemporary)
        cutAt = UTCTime.now.advanced(by: timeout)
        logger.notice(
            "draining",
            metadata: [
                owner.logKey: "\(owner.name)", LogKey.streams: .stringConvertible(streams.count),
                LogKey.timeout: .stringConvertible(timeout),
            ]
        )
        deadline.set(timeout) {
            let left = streams.count
            guard left > 0 else { return }
            let facts: Logger.Metadata = [owner.logKey: "\(owner.name)", LogKey.streams: .stringConvertible(left)]
            logger.warning("drain timed out, cutting streams", metadata: facts)
            streams.cut()
        }
    }

    /// The number of streams that have not ended.
    var count: Int { streams.count }

    /// Waits until the last stream has ended or the drain was cancelled, or until the task is cancelled.
    func waitUntilOver() async {
        await streams.waitUntilEnded()
        deadline.cancel()
    }

    /// Cancels the drain. Returns how many streams stay open.
    func cancel() -> Int {
        deadline.cancel()
        defer { streams.release() }
        return streams.count
    }
}
