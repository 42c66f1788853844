/// What lies in the kernel for a peer that has not taken it yet, looked at now and then.
///
/// Once the rest of a transfer is there, nothing moves in this process any more, while a peer that reads slowly goes on
/// taking it.
package struct SendQueue: Hashable, Sendable {
    private var last: Int?

    package init() {}

    /// Whether the peer has taken some of it since the last look; at the first one, whether there is anything to take.
    package mutating func hasMoved(now count: Int) -> Bool {
        defer { last = count }
        return last.map { count < $0 } ?? (count > 0)
    }
}
