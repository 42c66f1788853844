// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket
internal import RstreamWire

/// A connection to the engine that was dialed before a stream needs it: TLS is done and nothing was said.
///
/// It reads all the time, so that it learns when the engine closes it. The engine has nothing to say before the first
/// frame of a stream: a frame that comes now is a violation, and the connection is dropped. Confined to its event loop.
final class WarmConnection: EngineConnectionOwner {
    private enum State {
        case dialing
        /// A stream may have got it and not have used it yet.
        case warm(since: ContinuousClock.Instant)
        /// A stream uses it, which took it at this age.
        case used(age: Duration)
        case ended
    }

    private let id: PrewarmStateMachine.ConnectionID
    private weak var pool: PrewarmedConnections?
    private let eventLoop: any EventLoop
    private var state = State.dialing
    private var channel: (any Channel)?
    private var handler: StreamHandshakeHandler?
    private var timer: Scheduled<Void>?

    init(_ id: PrewarmStateMachine.ConnectionID, of pool: PrewarmedConnections, on eventLoop: any EventLoop) {
        self.id = id
        self.pool = pool
        self.eventLoop = eventLoop
    }

    /// Dials; called once. The pool is told how that ends.
    func dial(_ address: EngineAddress, _ connector: EngineConnector, under rule: RedirectRule, within limit: Duration)
    {
        timer = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) { self.lost() }
        let connection = NIOLoopBound(self, eventLoop: eventLoop)
        connector.connect(to: address, under: rule, on: eventLoop, within: limit, autoRead: false) {
            let handler = StreamHandshakeHandler(owner: connection.value)
            connection.value.handler = handler
            return handler
        }
        .assumeIsolated()
        .whenComplete { result in
            switch (result, self.state) {
            case (.success(let channel), .dialing): self.channel = channel
            case (.success(let channel), _): channel.abort()
            case (.failure, _): self.lost()
            }
        }
    }

    /// Closes the connection in order: it is too old, or not needed any more.
    func drop() {
        switch state {
        case .dialing: end { $0.abort() }
        case .warm: end { $0.close(promise: nil) }
        case .used, .ended: break
        }
    }

    // MARK: What the connection reports

    func connected(_ channel: any Channel) {
        guard channel === self.channel, case .dialing = state else { return }
        timer?.cancel()
        timer = nil
        state = .warm(since: .now)
        pool?.dialed(id)
    }

    func awaitsFrame(on channel: any Channel) -> Bool {
        guard case .warm = state else { return false }
        return channel === self.channel
    }

    func received(_: Message, on channel: any Channel) {
        closed(channel, error: nil)
    }

    func malformed(_: FrameError, on channel: any Channel) {
        closed(channel, error: nil)
    }

    func closed(_ channel: any Channel, error _: (any Error)?) {
        guard channel === self.channel else { return }
        lost()
    }

    private func lost() {
        switch state {
        case .dialing:
            end { $0.abort() }
            pool?.dialFailed(id)
        case .warm:
            end { $0.abort() }
            pool?.closedByEngine(id)
        case .used, .ended: break
        }
    }

    // MARK: What the stream does that has it

    /// Gives the connection to `handshake`, which learns from now on what happens on it; nil if it is dead.
    func hand(to handshake: any EngineConnectionOwner) -> (any Channel)? {
        if let channel, let handler, !(channel.isActive && handler.isUntouched) { lost() }
        guard case .warm(let since) = state, let channel, let handler else { return nil }
        state = .used(age: since.duration(to: .now))
        handler.hand(to: handshake)
        (self.channel, self.handler) = (nil, nil)
        pool?.used(id)
        return channel
    }

    /// The connection died before the engine had said anything.
    func diedInUse() {
        guard case .used(let age) = state else { return }
        state = .ended
        pool?.takenDied(age: age)
    }

    /// The stream ended. Another one may get the connection if it was not used.
    func giveUp() {
        // The handshake closes what it uses.
        guard case .warm = state else { return }
        if let pool { pool.returned(id) } else { drop() }
    }

    private func end(_ close: (any Channel) -> Void) {
        state = .ended
        timer?.cancel()
        let channel = channel
        (self.channel, handler, timer) = (nil, nil, nil)
        if let channel { close(channel) }
    }
}
