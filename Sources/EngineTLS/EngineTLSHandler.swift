// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore
internal import NIOTLS

/// TLS of one connection to an engine, over whatever is beneath it in the pipeline. It says what NIOSSL's handler says: the
/// end of the handshake and of the connection as ``TLSUserEvent``, the peer's close_notify as `inputClosed`, and the
/// end of a connection without one as an error.
///
/// With ``PeerVerification/judge(_:)`` an error of the handshake is the judge's, if it has one.
///
/// Confined to the channel's event loop.
package final class EngineTLSHandler: ChannelDuplexHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    enum State {
        case idle
        case handshaking
        case active
        /// The peer has said close_notify, and we have not.
        case inputClosed
        /// We have said close_notify, and the peer has not.
        case outputClosed
        /// Waiting for the peer's close_notify, but not for long.
        case closing(NIOScheduledCallback?)
        case closed
    }

    enum Pending {
        case write(ByteBuffer, EventLoopPromise<Void>?)
        case closeOutput(EventLoopPromise<Void>?)
    }

    /// How long a close waits for the peer's close_notify, which may never be read.
    static let patience = TimeAmount.seconds(1)
    /// Three full records: what is encrypted at once, so that the ciphertext has room in a buffer of the pool.
    static let portion = 3 << 14
    /// What the records of a portion are longer than it.
    static let overhead = 128

    let session: TLSSession
    var state = State.idle
    var pending = MarkedCircularBuffer<Pending>(initialCapacity: 4)
    var closePromise: EventLoopPromise<Void>?
    /// Whether plaintext was passed on since the last channelReadComplete.
    private var hasDelivered = false
    /// Calls out of ``encrypt(_:)`` must not begin another one, whose records would come in between.
    var isEncrypting = false

    /// Takes a ticket of the context for `ticketKey`, if there is one. `sentName` is sent to the server (SNI).
    package init(
        _ context: TLSContext,
        sentName: String?,
        verification: PeerVerification,
        ticketKey: TicketKey? = nil
    ) throws(EngineTLSError) {
        if let sentName {
            guard (1...255).contains(sentName.utf8.count), !sentName.utf8.contains(0) else { throw .unusableName }
        }
        session = try TLSSession(context, sentName: sentName, verification: verification, ticketKey: ticketKey)
    }

    /// Whether this connection resumes an earlier one.
    package var isResumed: Bool { session.isResumed }

    package func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { handshake(context) }
    }

    package func handlerRemoved(context _: ChannelHandlerContext) {
        session.drop()
        failPending(ChannelError.ioOnClosedChannel)
    }

    // MARK: The handshake

    package func channelActive(context: ChannelHandlerContext) {
        // First, because a failing handshake closes the channel.
        context.fireChannelActive()
        if case .idle = state { handshake(context) }
    }

    private func handshake(_ context: ChannelHandlerContext) {
        state = .handshaking
        switch session.handshake() {
        case .starved: send(context)
        case .signing: sign(context)
        case .closed: fail(context, EngineTLSError.handshakeFailed([]))
        case .failed(let names):
            send(context)
            fail(context, session.refusal ?? EngineTLSError.handshakeFailed(names))
        case .done:
            do {
                try session.confirmVerification()
            } catch {
                // Our certificate stands in what would be sent.
                session.drop()
                return fail(context, error)
            }
            state = .active
            let negotiated = session.applicationProtocol
            // Our last message of the handshake leaves together with what is written now, in one packet.
            context.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: negotiated))
            // What arrived together with the end of the handshake.
            decrypt(context)
            encrypt(context)
        }
    }

    /// Has the client's key sign, and goes on with the handshake once it has.
    private func sign(_ context: ChannelHandlerContext) {
        send(context)
        // What arrives meanwhile leads here again.
        guard let request = session.takeSigningRequest() else { return }
        guard let signer = session.signer else { return fail(context, EngineTLSError.unusableSettings) }
        signer.sign(request.input, algorithm: request.algorithm, on: context.eventLoop)
            .hop(to: context.eventLoop).assumeIsolated().whenComplete { result in
                // The connection may be gone by now.
                guard case .handshaking = self.state else { return }
                switch result {
                case .success(let signature):
                    self.session.take(signature: signature)
                    self.handshake(context)
                case .failure(let error): self.fail(context, error)
                }
            }
    }

    /// Ends the connection without another word.
    func fail(_ context: ChannelHandlerContext, _ error: any Error) {
        session.forgetTickets()
        finish()
        context.fireErrorCaught(error)
        close(context)
    }

    func finish() {
        if case .closing(let timer) = state { timer?.cancel() }
        state = .closed
    }

    /// Closes the channel, now that TLS is over.
    func close(_ context: ChannelHandlerContext) {
        finish()
        context.close(promise: closePromise.take())
    }

    // MARK: Reading

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let ciphertext = unwrapInboundIn(data)
        switch state {
        case .handshaking:
            session.receive(ciphertext)
            handshake(context)
        case .active, .outputClosed, .closing:
            session.receive(ciphertext)
            decrypt(context)
        case .idle, .inputClosed: fail(context, EngineTLSError.unexpectedBytes)
        case .closed: break
        }
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        if hasDelivered {
            hasDelivered = false
            context.fireChannelReadComplete()
        } else if (try? context.channel.syncOptions?.getOption(.autoRead)) == false {
            // The handler that asked for bytes still waits for some.
            context.read()
        }
        send(context)
    }

    /// Passes on the plaintext of all complete records.
    private func decrypt(_ context: ChannelHandlerContext) {
        while isReading {
            var plaintext = BufferPool.current.take(session.readableBytes)
            let outcome = session.read(into: &plaintext)
            BufferPool.current.give(plaintext)
            if plaintext.readableBytes > 0 {
                hasDelivered = true
                context.fireChannelRead(wrapInboundOut(plaintext))
            }
            switch outcome {
            case .done: continue
            case .starved, .signing: return
            case .closed: return receivedCloseNotify(context)
            case .failed(let names):
                guard isReading else { return }
                send(context)
                return fail(context, EngineTLSError.failed(names))
            }
        }
    }

    private var isReading: Bool {
        switch state {
        case .active, .outputClosed, .closing: true
        case .idle, .handshaking, .inputClosed, .closed: false
        }
    }

    private func receivedCloseNotify(_ context: ChannelHandlerContext) {
        if hasDelivered {
            hasDelivered = false
            context.fireChannelReadComplete()
        }
        let isHalfClosing = (try? context.channel.syncOptions?.getOption(.allowRemoteHalfClosure)) ?? false
        switch state {
        case .active where isHalfClosing:
            state = .inputClosed
        case .active, .outputClosed:
            state = .closing(timer(context))
            shutDown(context)
        case .closing:
            shutDown(context)
        case .idle, .handshaking, .inputClosed, .closed:
            return
        }
        if isHalfClosing { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
    }

    // MARK: The end beneath TLS

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        switch state {
        // Passed on already, when the peer said close_notify.
        case .inputClosed: return
        case .idle, .closed: break
        case .handshaking:
            session.forgetTickets()
            context.fireErrorCaught(EngineTLSError.closedDuringHandshake)
        case .active, .outputClosed, .closing: context.fireErrorCaught(EngineTLSError.truncated)
        }
        context.fireUserInboundEventTriggered(event)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .handshaking = state { session.forgetTickets() }
        context.fireErrorCaught(error)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        let error: EngineTLSError?
        switch state {
        case .idle, .closed: error = nil
        // Tickets are not to blame when we have given the connection up.
        case .handshaking: error = .closedDuringHandshake
        case .active, .inputClosed, .outputClosed, .closing: error = .truncated
        }
        finish()
        let promise = closePromise.take()
        if let error {
            promise?.fail(error)
            context.fireErrorCaught(error)
        }
        failPending(error ?? ChannelError.ioOnClosedChannel)
        context.fireChannelInactive()
    }
}
