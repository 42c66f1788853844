// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
public import RstreamModel

/// A tunnel that the engine granted.
///
/// It lives as long as its control channel unless it is closed before. A stream that was taken belongs to the task that
/// took it and does not end with the tunnel (PROTOCOL.md §13).
public final class RstreamTunnel: Sendable {
    /// The tunnel's properties as the engine granted them.
    public let properties: TunnelProperties
    /// The streams that visitors and private dialers open, in order of arrival.
    public let streams: Streams

    private let opened: OpenedTunnel
    private let control: RstreamControlChannel

    init(_ opened: OpenedTunnel, control: RstreamControlChannel, queue: AcceptQueue) {
        self.opened = opened
        self.control = control
        properties = opened.properties
        streams = Streams(queue: queue)
    }

    /// The engine's id of the tunnel, never empty; private dialers may use it in place of the name.
    public var id: String { opened.id }

    /// The address to show to people, in the form that all official tools share (PROTOCOL.md §5.3).
    public var forwardingAddress: String { properties.forwardingAddress }

    var logger: Logger { control.logger }

    /// Closes the tunnel at the engine and waits until the engine has answered, for
    /// ``RstreamClientOptions/Timeouts/close`` at most (5 s unless given).
    ///
    /// Streams that were not taken yet are closed. A caller that is cancelled does not wait; the tunnel is closed all
    /// the same.
    public func close() async {
        control.closeTunnel(id)
        _ = await opened.waitUntilEnded()
    }

    /// Waits until no stream arrives any more.
    ///
    /// - Returns: Nil after ``close()``, otherwise the cause. A caller that is cancelled gets
    ///   ``RstreamError/Code/clientClosed`` at once.
    public func waitUntilClosed() async -> RstreamError? {
        await opened.waitUntilEnded()
    }

    /// The streams of a tunnel as they arrive.
    ///
    /// Iteration ends with the tunnel, or at once when its task is cancelled. At most ten streams wait to be taken; the
    /// next ones wait up to 5 s for room and are then refused (PROTOCOL.md §6).
    public struct Streams: AsyncSequence, Sendable {
        let queue: AcceptQueue

        /// Starts to take streams; several iterators share them.
        public func makeAsyncIterator() -> Iterator {
            Iterator(queue: queue)
        }

        /// Takes streams one by one.
        public struct Iterator: AsyncIteratorProtocol {
            let queue: AcceptQueue

            /// Waits for the next stream.
            ///
            /// - Returns: The stream, or nil when the tunnel has ended or the task was cancelled.
            public mutating func next() async -> RstreamAcceptedStream? {
                await queue.next()
            }
        }
    }
}
