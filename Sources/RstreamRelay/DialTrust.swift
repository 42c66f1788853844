internal import Synchronization

/// Whether a listener may send before the engine has answered its dial.
///
/// With `zero_rtt` the engine does not say that there is no such tunnel; it closes the connection (PROTOCOL.md §8), and
/// a listener that leads nowhere would look as if nobody ever answered. So the answer is waited for until the tunnel
/// could be dialed once, and again after a stream that brought nothing.
///
/// One atomic flag, shared by all connections of a listener.
final class DialTrust: Sendable {
    private let isGiven = Atomic(false)

    /// What to ask for in a dial: nil leaves it to the client's options.
    var zeroRTT: Bool? { isGiven.load(ordering: .relaxed) ? nil : false }

    func dialed() { isGiven.store(true, ordering: .relaxed) }

    /// A stream is over, with so many bytes from the tunnel.
    func ended(received: Int) {
        if received == 0 { isGiven.store(false, ordering: .relaxed) }
    }
}
