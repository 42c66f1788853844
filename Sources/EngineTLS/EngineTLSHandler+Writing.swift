// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore

/// Writes, which wait for the end of the handshake and for a flush.
extension EngineTLSHandler {
    package func write(context _: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch state {
        case .idle, .handshaking, .active, .inputClosed: pending.append(.write(unwrapOutboundIn(data), promise))
        case .outputClosed: promise?.fail(ChannelError.outputClosed)
        case .closing, .closed: promise?.fail(ChannelError.ioOnClosedChannel)
        }
    }

    package func flush(context: ChannelHandlerContext) {
        pending.mark()
        encrypt(context)
    }

    private var isWriting: Bool {
        switch state {
        case .active, .inputClosed: true
        case .idle, .handshaking, .outputClosed, .closing, .closed: false
        }
    }

    /// Encrypts and sends what was flushed, once the handshake is over.
    func encrypt(_ context: ChannelHandlerContext) {
        guard !isEncrypting else { return }
        isEncrypting = true
        defer { isEncrypting = false }
        var promises: [EventLoopPromise<Void>] = []
        while isWriting, pending.hasMark, let next = pending.popFirst() {
            switch next {
            case .write(let plaintext, let promise):
                if let promise { promises.append(promise) }
                if let error = encrypt(plaintext, context) {
                    for promise in promises { promise.fail(error) }
                    return isWriting ? abandon(context, error) : failPending(error)
                }
            case .closeOutput(let promise):
                send(context, promises)
                promises = []
                closeOutput(context, promise)
            }
        }
        // All of it is encrypted: what is written and flushed by those who hear of these writes comes behind them.
        isEncrypting = false
        send(context, promises)
    }

    /// Encrypts a write, and returns why that failed.
    private func encrypt(_ plaintext: ByteBuffer, _ context: ChannelHandlerContext) -> (any Error)? {
        var rest = plaintext
        while let part = rest.readSlice(length: min(Self.portion, rest.readableBytes)), part.readableBytes > 0 {
            let isFull = session.outgoingBytes + part.readableBytes + Self.overhead > BufferPool.large
            if isFull, let ciphertext = session.takeCiphertext() {
                context.write(wrapOutboundOut(ciphertext), promise: nil)
                // A handler beneath may have closed the connection.
                guard isWriting else { return ChannelError.ioOnClosedChannel }
            }
            if case .failed(let names) = session.write(part) { return EngineTLSError.failed(names) }
        }
        return nil
    }

    /// Ends a connection that can no longer write.
    private func abandon(_ context: ChannelHandlerContext, _ error: any Error) {
        finish()
        failPending(error)
        fail(context, error)
    }

    /// Sends all ciphertext, after which the promises are kept.
    func send(_ context: ChannelHandlerContext, _ promises: [EventLoopPromise<Void>] = []) {
        let ciphertext = session.takeCiphertext()
        guard ciphertext != nil || !promises.isEmpty else { return }
        let first = promises.first
        for promise in promises.dropFirst() { first?.futureResult.cascade(to: promise) }
        // Without ciphertext, as for an empty write, the promises still wait for what is before them.
        context.writeAndFlush(wrapOutboundOut(ciphertext ?? ByteBuffer()), promise: first)
    }

    func failPending(_ error: any Error) {
        while let next = pending.popFirst() {
            switch next {
            case .write(_, let promise), .closeOutput(let promise): promise?.fail(error)
            }
        }
    }
}
