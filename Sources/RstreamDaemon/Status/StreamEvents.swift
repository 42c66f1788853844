// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import RstreamAdmin
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay

/// Publishes the streams of one tunnel or listener as events, and their limits and errors to the status store.
struct StreamEvents: StreamObserver {
    let owner: StreamOwner
    let statusStore: StatusStore
    let logger: Logger

    func streamOpened(_ stream: StreamSnapshot) {
        statusStore.events.publish("stream.opened") { event in fill(&event, stream) }
    }

    func streamEnded(_ stream: StreamSnapshot, _ end: StreamEnd) {
        let at = UTCTime.now
        statusStore.events.publish(end.isFailure ? "stream.failed" : "stream.closed") { event in
            fill(&event, stream)
            event.outcome = end.outcome.rawValue
            event.bytes = ByteCounts(received: stream.received, sent: stream.sent)
            event.durationSeconds = end.lasted.inSeconds
            event.error = end.error.map { ErrorReport($0, at: at) }
        }
        statusStore.streamEnded(owner)
    }

    func streamRefused(from source: IPAddress?, _ end: StreamEnd) {
        let at = UTCTime.now
        statusStore.events.publish(end.isFailure ? "stream.failed" : "stream.closed") { event in
            owner.mark(&event)
            event.source = source?.description
            event.outcome = end.outcome.rawValue
            event.error = end.error.map { ErrorReport($0, at: at) }
        }
    }

    func refusalBegan(_ limit: StreamLimit, _ error: RstreamError) {
        statusStore.limitChanged(owner, limit, error)
        // The daemon logs the limit that all streams share once for all of them.
        guard limit == .owner else { return }
        logger.warning(
            "stream limit reached",
            metadata: Logger.Metadata.facts(of: error).merging([owner.logKey: "\(owner.name)"]) { $1 }
        )
    }

    func refusalEnded(_ limit: StreamLimit, count: Int, lasted: Duration) {
        statusStore.limitChanged(owner, limit, nil)
        guard limit == .owner else { return }
        logger.notice(
            "stream limit no longer reached",
            metadata: [
                owner.logKey: "\(owner.name)", "refused": .stringConvertible(count),
                LogKey.duration: .stringConvertible(lasted),
            ]
        )
    }

    func reachabilityChanged(_ error: RstreamError?) {
        statusStore.reachabilityChanged(owner, error)
    }

    private func fill(_ event: inout Event, _ stream: StreamSnapshot) {
        owner.mark(&event)
        event.stream = String(stream.id)
        event.source = stream.source?.description
    }
}
