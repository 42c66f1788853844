public import RstreamModel

/// A tunnel that the engine granted.
///
/// It lives as long as its control channel unless it is closed before. A stream that was taken belongs to whoever
/// took it and does not end with the tunnel.
public final class RstreamTunnel: Sendable {
    /// What is in force, as the engine answered it.
    public let properties: TunnelProperties
    /// The streams that visitors and private dialers open, in order of arrival.
    public let streams: AcceptedStreams

    private let opened: OpenedTunnel
    private let control: RstreamControlChannel

    init(_ opened: OpenedTunnel, control: RstreamControlChannel, queue: AcceptQueue) {
        self.opened = opened
        self.control = control
        properties = opened.properties
        streams = AcceptedStreams(queue: queue)
    }

    /// What the engine calls the tunnel; private dialers may use it.
    public var id: String { opened.id }

    /// How people are told where the tunnel is, in the form all official tools share.
    public var forwardingAddress: String { properties.forwardingAddress }

    /// Closes the tunnel at the engine and waits until that is done, for ``RstreamClientOptions/Timeouts/close`` at most. Streams
    /// not yet taken are closed. A caller that is cancelled does not wait; the tunnel is closed all the same.
    public func close() async {
        control.closeTunnel(id)
        _ = await opened.waitUntilEnded()
    }

    /// Waits for the end: nil when ``close()`` asked for it, otherwise the cause. A caller that is cancelled gets
    /// ``RstreamError/Code/clientClosed`` at once.
    public func waitUntilClosed() async -> RstreamError? {
        await opened.waitUntilEnded()
    }
}

/// The streams of a tunnel as they arrive. Iteration ends with the tunnel, or when its task is cancelled, however many
/// wait to be taken.
///
/// At most ten streams wait to be taken; the next ones wait up to five seconds for room and are then refused.
public struct AcceptedStreams: AsyncSequence, Sendable {
    let queue: AcceptQueue

    /// Starts to take streams; several iterators share them.
    public func makeAsyncIterator() -> Iterator {
        Iterator(queue: queue)
    }

    /// Takes streams one by one.
    public struct Iterator: AsyncIteratorProtocol {
        let queue: AcceptQueue

        /// Waits for the next stream; nil at the end.
        public mutating func next() async -> AcceptedStream? {
            await queue.next()
        }
    }
}
