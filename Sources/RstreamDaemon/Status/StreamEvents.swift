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
    /// Nil for the streams that programs dial themselves; these have no limit of their own and no place for an error.
    let owner: StreamOwner?
    let statusStore: StatusStore
    let logger: Logger

    func streamOpened(_ stream: StreamSnapshot) {
        statusStore.events.publish("stream.opened") { event in fill(&event, stream.origin, stream.id) }
    }

    func streamEnded(_ stream: EndedStream) {
        let (at, end) = (UTCTime.now, stream.end)
        statusStore.events.publish(end.isFailure ? "stream.failed" : "stream.closed") { event in
            fill(&event, stream.origin, stream.id)
            event.upstream = end.upstream
            event.upstreamConnectSeconds = end.connecting?.inSeconds
            event.outcome = end.outcome.rawValue
            if stream.id != nil {
                event.bytes = ByteCounts(received: stream.received, sent: stream.sent)
                event.durationSeconds = end.lasted.inSeconds
            }
            event.error = end.error.map { ErrorReport($0, at: at) }
        }
        if stream.id != nil, let owner { statusStore.streamEnded(owner) }
    }

    func refusalBegan(_ limit: StreamLimit, _ error: RstreamError) {
        guard let owner else { return }
        statusStore.limitChanged(owner, limit, error)
        // The daemon logs the limit that all streams share once for all of them.
        guard limit == .owner else { return }
        logger.warning(
            "stream limit reached",
            metadata: Logger.Metadata.facts(of: error).merging([owner.logKey: "\(owner.name)"]) { $1 }
        )
    }

    func refusalEnded(_ limit: StreamLimit, count: Int, lasted: Duration) {
        guard let owner else { return }
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
        if let owner { statusStore.reachabilityChanged(owner, error) }
    }

    private func fill(_ event: inout Event, _ origin: StreamOrigin, _ id: UInt64?) {
        owner?.mark(&event)
        event.dial = origin.dialed
        event.stream = id.map { String($0) }
        event.source = origin.source?.description
    }
}
