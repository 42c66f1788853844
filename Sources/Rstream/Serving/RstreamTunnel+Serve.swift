// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import NIOCore
internal import RstreamModel
internal import RstreamSocket

extension RstreamTunnel {
    /// How many streams of a tunnel are handled at the same time unless stated otherwise.
    public static let defaultConcurrentStreams = 1_024

    /// Hands every stream to `handler`, each in a child task of its own, until the tunnel ends.
    ///
    /// While `maxConcurrentStreams` handlers run no stream is taken: ten wait in ``streams``, and the engine is told
    /// that the next ones find no room. A handler starts its stream with ``RstreamStream/withBytes(_:)``,
    /// ``RstreamStream/serve(_:)`` or ``RstreamStream/start(_:)``. The stream's connection is closed when its handler
    /// returns, and reset when the handler throws; the other streams go on.
    ///
    /// When the task is cancelled, the handlers are cancelled and their connections reset.
    ///
    /// - Parameters:
    ///   - maxConcurrentStreams: How many handlers run at the same time; 1 at least, 1,024 unless given.
    ///   - handler: Serves one stream. What it throws is logged at level `debug` and ends this stream only.
    /// - Throws: `CancellationError` when the task was cancelled, otherwise the ``RstreamError`` that ended the tunnel.
    ///   Returns without an error after ``close()``. In each case all handlers have returned before.
    public func serve(
        maxConcurrentStreams: Int = RstreamTunnel.defaultConcurrentStreams,
        _ handler: @escaping @Sendable (_ stream: RstreamAcceptedStream) async throws -> Void
    ) async throws {
        let slots = StreamSlots(maxConcurrentStreams)
        let (queue, logger) = (streams.queue, logger)
        await withDiscardingTaskGroup { group in
            while await slots.take() {
                guard let stream = await queue.next() else { break }
                group.addTask {
                    await stream.handle(logger, handler)
                    slots.give()
                }
            }
        }
        try Task.checkCancellation()
        if let error = await waitUntilClosed() { throw error }
    }
}

extension RstreamAcceptedStream {
    /// Runs `handler`, ends the connection as the outcome wants, and waits until it has ended.
    func handle(
        _ logger: Logger,
        _ handler: @Sendable (RstreamAcceptedStream) async throws -> Void
    ) async {
        let channel = channel
        await withTaskCancellationHandler {
            do {
                try await handler(self)
                channel.close(promise: nil)
            } catch {
                channel.abort()
                // What a handler throws because it was cancelled is no failure.
                if !Task.isCancelled {
                    logger.debug("stream handler failed", metadata: ["stream_id": "\(id)", "error": "\(error)"])
                }
            }
            try? await channel.closeFuture.get()
        } onCancel: {
            channel.abort()
        }
    }
}
