internal import RstreamAdmin
internal import Synchronization

/// An event, and its text for readers, which is made when the first one asks and then kept for the others.
final class EventRecord: Sendable {
    let event: Event
    private let kept = Mutex<String?>(nil)

    init(_ event: Event) { self.event = event }

    /// What `encode` makes of the event; it is the same for everybody.
    func text(_ encode: (Event) -> String) -> String {
        kept.withLock { kept in
            if let kept { return kept }
            let text = encode(event)
            kept = text
            return text
        }
    }
}
