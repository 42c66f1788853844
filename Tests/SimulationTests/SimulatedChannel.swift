// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamWire

/// One control channel of a simulated session: does what ``ControlChannelStateMachine`` decides, as
/// `ControlChannelHandler` does with a socket.
final class SimulatedChannel {
    typealias Machine = ControlChannelStateMachine

    private struct Request {
        let key: Int
        let epoch: Int
        let acceptor: SimulatedAcceptor
        let timer: SimulatedTimer
    }

    static let connectTimeout = 15_000
    static let answerTimeout = 30_000
    static let closeTimeout = 5_000
    /// A stream that was started is answered within this: two dials, and a connection on which no answer comes.
    static let longestStream = 60_000
    private static let opening = 2
    private static let pending = 3

    private let session: SimulatedSession
    private unowned let process: SimulatedProcess
    private var world: SimulatedWorld { process.world }
    let prewarming: SimulatedPrewarming
    private var machine = Machine(
        details: ClientDetails(agent: "simulation"),
        heartbeatMilliseconds: 5_000,
        limits: ControlChannelLimits(openingStreams: opening, pendingStreams: pending)
    )
    private(set) var link = 0
    private(set) var hasEnded = false
    private(set) var endedAt = 0
    private(set) var liveness: Duration?
    private var cause: ChannelEnd?
    /// What opening it came to; called once.
    private var opened: ((SimulatedChannel, RstreamError?) -> Void)?
    private var ended: ((ChannelEnd) -> Void)?
    private var requests: [RequestID: Request] = [:]
    /// Keys of tunnels by the engine's ids.
    private(set) var tunnels: [String: Int] = [:]
    private var acceptors: [String: SimulatedAcceptor] = [:]
    /// When a tunnel was last opened, refused or ended: the session learns of it a moment later.
    private(set) var changedAt = 0
    private var endedTunnels: [String: RstreamError?] = [:]
    private var watchers: [String: (RstreamError?) -> Void] = [:]
    private var closeTimers: [String: SimulatedTimer] = [:]
    private var streams: [String: SimulatedStream] = [:]
    /// When streams came that are not answered.
    private var unanswered: [String: Int] = [:]
    private var heartbeatTimer: SimulatedTimer?
    private var livenessTimer: SimulatedTimer?
    private var answerTimer: SimulatedTimer?

    init(_ session: SimulatedSession) {
        self.session = session
        process = session.process
        prewarming = SimulatedPrewarming(session.process)
    }

    /// Its process is gone. Streams refer to their channel.
    func clear() {
        (streams, watchers) = ([:], [:])
        (opened, ended) = (nil, nil)
    }

    // MARK: What the session asks

    /// Dials; `opened` is called without an error when the channel is open, or with the reason why it is not.
    func open(_ opened: @escaping (SimulatedChannel, RstreamError?) -> Void) {
        self.opened = opened
        link = world.network.dial(
            timeout: Self.connectTimeout,
            of: process,
            { [self] packet, _ in arrived(packet) },
            then: { [self] result, _ in dialed(result) }
        )
    }

    func whenEnded(_ ended: @escaping (ChannelEnd) -> Void) {
        if let cause { return process.sometime { ended(cause) } }
        self.ended = ended
    }

    func isRequested(_ key: Int) -> Bool { requests.values.contains { $0.key == key } }

    func has(_ key: Int) -> Bool { tunnels.values.contains(key) }

    func openTunnel(_ properties: TunnelProperties, _ key: Int, _ acceptor: SimulatedAcceptor, epoch: Int) {
        let id = RequestID(high: 0, low: UInt64(world.nextNumber()))
        process.asks(for: properties.name ?? "")
        if isRequested(key) || has(key) { world.complain("tunnel \(key) was asked for twice on one channel") }
        let timer = process.timer(after: Self.answerTimeout) { [self] in
            guard requests.removeValue(forKey: id) != nil else { return }
            machine.tunnelAbandoned(id)
            failed(key, epoch: epoch, Self.unanswered)
        }
        requests[id] = Request(key: key, epoch: epoch, acceptor: acceptor, timer: timer)
        switch machine.tunnelRequested(id, properties) {
        case .sendRequest(let request): send(.openTunnelRequest(request))
        case .fail(let error): failTunnel(id, error)
        }
    }

    func closeTunnel(_ tunnelID: String) {
        process.later { [self] in
            cancelStreams { $0 == tunnelID }
            switch machine.tunnelCloseRequested(tunnelID) {
            case .doNothing: break
            case .sendRequest:
                closeTimers[tunnelID] = process.timer(after: Self.closeTimeout) { [self] in
                    if case .endTunnel = machine.tunnelCloseTimedOut(tunnelID) { endTunnel(tunnelID, nil) }
                }
                send(.closeTunnelRequest(tunnelID: tunnelID))
            }
        }
    }

    func watch(_ tunnelID: String, _ watcher: @escaping (RstreamError?) -> Void) {
        if let error = endedTunnels[tunnelID] { return process.sometime { watcher(error) } }
        watchers[tunnelID] = watcher
    }

    func close() {
        process.later { [self] in
            switch machine.closeRequested() {
            case .doNothing: break
            case .sendRequest:
                startAnswerTimer(Self.closeTimeout) { $0.machine.closeTimedOut() }
                send(.closeControlChannelRequest)
            case .end(let end): run(end)
            }
        }
    }

    /// Resets the connection, unless the channel has ended.
    func abort() {
        guard !hasEnded else { return }
        process.later { [self] in run(machine.connectionLost(Self.lost("given up"))) }
    }

    func networkChanged(_ checked: @escaping () -> Void) {
        prewarming.networkChanged()
        process.later { [self] in
            switch machine.networkChanged(at: world.instant) {
            case .doNothing: break
            case .probe(let heartbeat, let nextAfter, let checkAfter):
                if let checkAfter { startLivenessTimer(checkAfter) }
                if let heartbeat { beat(heartbeat) }
                startHeartbeatTimer(nextAfter)
            case .end(let end): run(end)
            }
            process.sometime(checked)
        }
    }

    // MARK: The connection

    private func dialed(_ result: SimulatedNetwork.DialResult) {
        switch result {
        case .connected:
            guard case .sendRequest(let request) = machine.connected() else { return }
            startAnswerTimer(Self.answerTimeout) { $0.machine.openTimedOut(after: .seconds(30)) }
            send(.openControlChannelRequest(request))
        case .refused: run(machine.connectionLost(Self.lost("connection refused")))
        case .timedOut: run(machine.connectionLost(Self.lost("the dial timed out")))
        }
    }

    private func arrived(_ packet: SimulatedNetwork.Packet) {
        switch packet {
        case .message(let message): run(machine.received(message, at: world.instant))
        case .end, .reset: run(machine.connectionLost(Self.lost("connection reset")))
        }
    }

    private func send(_ message: Message) { world.network.send(message, on: link, from: .daemon) }

    private func beat(_ heartbeat: Heartbeat) {
        send(.heartbeat(heartbeat))
        process.later { [self] in machine.heartbeatWritten() }
    }

    // MARK: Actions

    private func run(_ action: Machine.ReceivedAction) {
        switch action {
        case .doNothing, .heartbeatAcknowledged, .logServerMessage: break
        case .opened(let accepted):
            answerTimer?.cancel()
            if case .negotiated(_, let timeout) = accepted.liveness { liveness = timeout }
            if let after = accepted.heartbeatAfter { startHeartbeatTimer(after) }
            if let after = accepted.livenessAfter { startLivenessTimer(after) }
            prewarming.start()
            settle(nil)
        case .openTunnel(let id, let properties): tunnelOpened(id, properties)
        case .failTunnel(let id, let error, let unused):
            failTunnel(id, error)
            if let unused { send(.closeTunnelRequest(tunnelID: unused)) }
        case .giveBackTunnel(let tunnelID): send(.closeTunnelRequest(tunnelID: tunnelID))
        case .endTunnel(let tunnelID, let error): endTunnel(tunnelID, error)
        case .startStream(let request, _): startStream(request)
        case .refuseStream(let request, let refusal): refuse(request, refusal)
        case .end(let end): run(end)
        }
    }

    private func run(_ action: Machine.NextStreamAction) {
        switch action {
        case .doNothing: break
        case .start(let request, _): startStream(request)
        case .refuse(let request, let refusal): refuse(request, refusal)
        case .end(let end): run(end)
        }
    }

    private func run(_ action: Machine.EndAction) {
        if case .end(let end) = action { run(end) }
    }

    private func run(_ end: Machine.End) {
        world.note("channel \(link) ended: \(end.cause)")
        (hasEnded, endedAt, cause) = (true, world.now, end.cause)
        prewarming.close()
        for id in end.requests { failTunnel(id, end.cause.error) }
        for id in end.handshakes { streams.removeValue(forKey: id)?.cancel(end.cause.error) }
        for request in end.droppedStreams { unanswered[request.streamID] = nil }
        for tunnelID in end.tunnels { endTunnel(tunnelID, end.cause.error) }
        for timer in [heartbeatTimer, livenessTimer, answerTimer] { timer?.cancel() }
        switch end.cause {
        case .closedByUs(answered: true), .closedByEngine, .refused: world.network.close(link, at: .daemon, .end)
        case .closedByUs(answered: false), .lost, .silent, .stalled, .violation, .openTimeout:
            world.network.close(link, at: .daemon, .reset)
        }
        settle(end.cause.error)
        if let ended { process.sometime { ended(end.cause) } }
        ended = nil
        if world.mistake == .sendsAfterEnd { send(.closeControlChannelRequest) }
    }

    private func settle(_ error: RstreamError?) {
        guard let opened else { return }
        self.opened = nil
        process.sometime { [self] in opened(self, error) }
    }

    // MARK: Tunnels

    private func tunnelOpened(_ id: RequestID, _ properties: TunnelProperties) {
        guard let request = requests.removeValue(forKey: id), let tunnelID = properties.id else { return }
        request.timer.cancel()
        (tunnels[tunnelID], acceptors[tunnelID]) = (request.key, request.acceptor)
        changedAt = world.now
        let epoch = request.epoch
        process.sometime { [self] in session.handle(.tunnelOpened(epoch: epoch, request.key, properties)) }
    }

    private func failTunnel(_ id: RequestID, _ error: RstreamError) {
        guard let request = requests.removeValue(forKey: id) else { return }
        request.timer.cancel()
        failed(request.key, epoch: request.epoch, error)
    }

    private func failed(_ key: Int, epoch: Int, _ error: RstreamError) {
        changedAt = world.now
        process.sometime { [self] in
            if !hasEnded { session.handle(.tunnelFailed(epoch: epoch, key, error)) }
        }
    }

    private func endTunnel(_ tunnelID: String, _ error: RstreamError?) {
        cancelStreams { $0 == tunnelID }
        guard tunnels.removeValue(forKey: tunnelID) != nil else { return }
        acceptors[tunnelID] = nil
        changedAt = world.now
        closeTimers.removeValue(forKey: tunnelID)?.cancel()
        endedTunnels[tunnelID] = .some(error)
        if let watcher = watchers.removeValue(forKey: tunnelID) { process.sometime { watcher(error) } }
    }

    // MARK: Streams

    /// Whether no stream is being opened.
    var isIdle: Bool { unanswered.isEmpty }

    /// Whether a stream is not answered for longer than one may take.
    var hasForgottenStream: Bool {
        unanswered.values.contains { world.now - $0 - world.asleep(since: $0) > Self.longestStream }
    }

    private func startStream(_ request: ProxyConnectionRequest) {
        guard let acceptor = acceptors[request.tunnelID] else {
            return world.complain("\(request.streamID) was started on a tunnel that the daemon does not have")
        }
        if unanswered[request.streamID] == nil { unanswered[request.streamID] = world.now }
        let stream = SimulatedStream(request, of: self, acceptor, process)
        streams[request.streamID] = stream
        if streams.count > Self.opening { world.complain("\(streams.count) streams are being opened") }
        stream.begin()
    }

    /// What the engine is told of a stream; nil when it was taken.
    func answered(_ id: String, failure: String?) {
        process.later { [self] in
            streams[id] = nil
            let action = machine.streamFinished(id, failure: failure)
            guard case .answer(let response) = action else {
                if case .end(let end) = action { run(end) }
                return
            }
            unanswered[id] = nil
            if world.mistake == .forgetsAnswers { return }
            write(response)
            if world.mistake == .answersTwice { write(response) }
        }
    }

    private func refuse(_ request: ProxyConnectionRequest, _ refusal: Machine.StreamRefusal) {
        let error = EngineError(code: .serviceUnavailable, message: refusal.what)
        write(ProxyConnectionResponse(streamID: request.streamID, error: error))
    }

    private func write(_ response: ProxyConnectionResponse) {
        send(.proxyConnectionResponse(response))
        process.later { [self] in run(machine.answerWritten(response.streamID)) }
    }

    private func cancelStreams(of isMeant: (String) -> Bool) {
        for id in streams.keys.sorted() {
            if let stream = streams[id], isMeant(stream.tunnelID) { stream.cancel(Self.lost("the tunnel was closed")) }
        }
    }

    // MARK: Timers

    private func startHeartbeatTimer(_ after: Duration) {
        heartbeatTimer?.cancel()
        heartbeatTimer = process.timer(after: after.milliseconds) { [self] in
            switch machine.heartbeatTimerFired(at: world.instant) {
            case .doNothing: break
            case .send(let heartbeat, let nextAfter):
                beat(heartbeat)
                startHeartbeatTimer(nextAfter)
            case .skip(let nextAfter): startHeartbeatTimer(nextAfter)
            case .end(let end): run(end)
            }
        }
    }

    private func startLivenessTimer(_ after: Duration) {
        livenessTimer?.cancel()
        if world.mistake == .ignoresSilence { return }
        livenessTimer = process.timer(after: after.milliseconds) { [self] in
            switch machine.livenessTimerFired(at: world.instant) {
            case .doNothing: break
            case .checkAgain(let after): startLivenessTimer(after)
            case .end(let end): run(end)
            }
        }
    }

    private func startAnswerTimer(_ timeout: Int, _ timedOut: @escaping (SimulatedChannel) -> Machine.EndAction) {
        answerTimer?.cancel()
        answerTimer = process.timer(after: timeout) { [self] in run(timedOut(self)) }
    }

    private static func lost(_ what: String) -> RstreamError {
        RstreamError(code: .engineUnreachable, origin: .engine, retry: .afterBackoff, what: what)
    }

    private static let unanswered = RstreamError(
        code: .operationTimeout,
        origin: .engine,
        retry: .afterBackoff,
        what: "the engine did not answer the tunnel request"
    )
}
