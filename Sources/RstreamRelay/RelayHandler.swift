// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import NIOCore
internal import RstreamCore
internal import RstreamSocket

/// One half of a relay: what is read here is written to the partner.
///
/// It reads only when the partner is writable, so a slow reader stops a fast writer, and at most one read and the
/// channel's write buffer are in memory between them. Ends are reported to the ``Relay``, which decides. Both halves
/// live on one event loop and are confined to it.
///
/// ``MemoryBudget`` counts on the memory of a stream whose peers do not read. Three things bound it: the bytes of the
/// channel's write buffer, the number of writes in it, and how much NIO reads at a time (one read of at most 128 KiB,
/// see ``StreamReadSize``).
final class RelayHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The most writes that may wait for the peer. Short writes need a bound of their own: TLS and the socket's reader
    /// put each into a buffer as large as the largest that they needed before.
    static let mostUnsent = 4

    let half: RelayStateMachine.Half
    private let relay: Relay
    /// The other half; cleared with the context, so that the pair does not keep itself alive.
    var partner: RelayHandler?
    private var context: ChannelHandlerContext?
    /// Whether a read is due as soon as the partner is writable.
    private var isReadPending = false
    private var readsNoMore = false
    /// Whether the partner is gone, and bytes that are read are dropped.
    private var isLingering = false
    private var hasUnflushedWrites = false
    /// Writes that have not reached the kernel.
    private var unsent = 0
    private var inputEnded = false
    private var outputClosed = false
    private var failed = false
    /// Why the socket took no more bytes. NIO says so by failed writes, and then only closes the connection.
    private var writeError: IOError?
    private var isGone = false
    private let notesActivity: Bool
    /// Looks at the bytes of both halves; nil where the tunnel is not inspected.
    private let inspection: StreamInspection?
    /// When bytes were last read, or a slow peer let the channel become writable again; the start before that. Kept up
    /// to date only where `notesActivity`.
    private(set) var lastActivity = ContinuousClock.now
    private var sendQueue = SendQueue()

    init(
        _ half: RelayStateMachine.Half,
        relay: Relay,
        notesActivity: Bool,
        inspection: StreamInspection? = nil
    ) {
        self.half = half
        self.relay = relay
        self.notesActivity = notesActivity
        self.inspection = inspection
    }

    private var isWritable: Bool { unsent < Self.mostUnsent && context?.channel.isWritable ?? false }

    // MARK: Bytes

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context _: ChannelHandlerContext) {
        context = nil
        partner = nil
    }

    /// Starts to read; both handlers are in their pipelines.
    func start() {
        guard let context else { return }
        guard context.channel.isActive else { return connectionClosed() }
        readIfPossible()
    }

    /// This half is closed, with `remains` as its last bytes, and the handler is in no pipeline.
    func endWith(_ remains: [ByteBuffer]) {
        for bytes in remains { carry(bytes) }
        isGone = true
        endInput()
        relay.connectionLost(half, by: .closed)
        relay.halfClosed(half)
    }

    func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
        carry(unwrapInboundIn(data))
    }

    private func carry(_ bytes: ByteBuffer) {
        guard !isLingering else { return relay.bytesArrived(half) }
        guard let partner, !readsNoMore else { return }
        relay.counters.add(bytes.readableBytes, from: half)
        if notesActivity { lastActivity = .now }
        // Before they are written, so that the write has the buffer for itself.
        inspection?.bytesPass(bytes, from: half)
        partner.write(bytes)
    }

    func channelReadComplete(context _: ChannelHandlerContext) {
        partner?.flush()
        readIfPossible()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if notesActivity { lastActivity = .now }
        if isWritable { partner?.becameReadable() }
        context.fireChannelWritabilityChanged()
    }

    private func write(_ bytes: ByteBuffer) {
        guard let context else { return }
        hasUnflushedWrites = true
        unsent += 1
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { result in
            switch result {
            case .success: self.wasSent()
            case .failure(let error): self.writeError = self.writeError ?? error as? IOError
            }
        }
        context.write(wrapOutboundOut(bytes), promise: promise)
    }

    private func wasSent() {
        unsent -= 1
        if isWritable { partner?.becameReadable() }
    }

    private func flush() {
        guard hasUnflushedWrites else { return }
        hasUnflushedWrites = false
        context?.flush()
    }

    private func readIfPossible() {
        guard !readsNoMore, !inputEnded else { return }
        guard isLingering || partner?.isWritable == true else {
            isReadPending = true
            return
        }
        isReadPending = false
        context?.read()
    }

    private func becameReadable() {
        if isReadPending { readIfPossible() }
    }

    // MARK: Silence

    /// Whether the peer still takes bytes from the kernel's buffer, which then counts as activity.
    func isBeingTaken() -> Bool {
        guard sendQueue.hasMoved(now: unsentBytes) else { return false }
        lastActivity = .now
        return true
    }

    /// Bytes in the kernel that the peer has not acknowledged.
    private var unsentBytes: Int {
        var count: CInt = 0
        try? context?.pipeline.syncOperations.withUnsafeTransportIfAvailable { (descriptor: NIOBSDSocket.Handle) in
            _ = ioctl(descriptor, UInt(TIOCOUTQ), &count)
        }
        return Int(count)
    }

    // MARK: Ends

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event {
            endInput()
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context _: ChannelHandlerContext, error: any Error) {
        // Whatever the error is, a stream with missing bytes is reset.
        failed = true
        relay.connectionLost(half, by: loss(by: error))
        abort()
    }

    func channelInactive(context: ChannelHandlerContext) {
        connectionClosed()
        context.fireChannelInactive()
    }

    private func connectionClosed() {
        // A half that closes while the two are being joined is seen by `start()` and as an event.
        guard !isGone else { return }
        isGone = true
        // Once this half's output is closed, the end of its input closes the channel without an event of its own.
        if outputClosed, !failed { endInput() }
        relay.connectionLost(half, by: writeError.map(StreamOutcomeTracker.Loss.init) ?? .closed)
        relay.halfClosed(half)
    }

    /// How the connection broke, which is reported with `error`. TLS reports every end but its own as one without
    /// close_notify, also a reset that a write has met, and one that follows the close_notify of the peer.
    private func loss(by error: any Error) -> StreamOutcomeTracker.Loss {
        if let writeError { return StreamOutcomeTracker.Loss(writeError) }
        return inputEnded && !(error is IOError) ? .reset : StreamOutcomeTracker.Loss(error)
    }

    private func endInput() {
        guard !inputEnded else { return }
        inputEnded = true
        partner?.flush()
        relay.inputEnded(half)
    }

    func stopReading() {
        readsNoMore = true
    }

    /// Closes the output once everything written before has left.
    func closeOutput() {
        guard let context else { return relay.connectionLost(half, by: .closed) }
        flush()
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { result in
            switch result {
            case .success:
                self.outputClosed = true
                self.relay.outputClosed(self.half)
            case .failure(let error): self.relay.connectionLost(self.half, by: self.loss(by: error))
            }
        }
        context.close(mode: .output, promise: promise)
    }

    /// Reads on, to find out whether the visitor still sends to a service that is gone.
    func linger() {
        isLingering = true
        readsNoMore = false
        readIfPossible()
    }

    /// Resets the connection, or closes it where a reset would overtake bytes that are still in the kernel.
    func dismiss() {
        if unsentBytes == 0 { abort() } else { close() }
    }

    func close() {
        context?.close(promise: nil)
    }

    /// Forgets the partner. Handlers that never came into a pipeline would keep each other, and the stream.
    func part() {
        partner = nil
    }

    func abort() {
        context?.channel.abort()
    }
}

extension StreamOutcomeTracker.Loss {
    init(_ error: any Error) {
        self =
            switch error {
            case let error as IOError where error.errnoCode != ECONNRESET && error.errnoCode != EPIPE: .broken
            // A write to a channel that was reset finds it closed.
            case is IOError, is ChannelError: .reset
            default: .broken
            }
    }
}
