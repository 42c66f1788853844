internal import Linux
internal import RstreamAdmin
internal import RstreamModel
internal import RstreamRelay

/// Puts the streams of one tunnel or listener into the event ring.
struct StreamEvents: StreamObserver {
    let owner: StreamOwner
    let board: StatusBoard

    func streamOpened(_ stream: StreamSnapshot) {
        board.events.publish("stream.opened") { event in fill(&event, stream) }
    }

    func streamEnded(_ stream: StreamSnapshot, _ end: StreamEnd) {
        let at = UTCTime.now
        board.events.publish(end.outcome == .failed ? "stream.failed" : "stream.closed") { event in
            fill(&event, stream)
            event.bytes = ByteCounts(received: stream.received, sent: stream.sent)
            event.durationSeconds = end.lasted.inSeconds
            event.error = end.error.map { ErrorReport($0, at: at) }
        }
        board.streamEnded(owner)
    }

    func streamRefused(from source: IPAddress?, _ error: RstreamError) {
        let at = UTCTime.now
        board.events.publish("stream.failed") { event in
            owner.mark(&event)
            event.source = source?.description
            event.error = ErrorReport(error, at: at)
        }
    }

    func reachabilityChanged(_ error: RstreamError?) {
        board.reachabilityChanged(owner, error)
    }

    private func fill(_ event: inout Event, _ stream: StreamSnapshot) {
        owner.mark(&event)
        event.stream = String(stream.id)
        event.source = stream.source?.description
    }
}
