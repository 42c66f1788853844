// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import NIOCore
import RstreamModel
import RstreamWire

/// The session of one agent: the role of its control connection, from the accepted open to its end (PROTOCOL.md §3 to
/// §5, §13).
final class AgentSession: ConnectionRole {
    /// Whether heartbeats are acknowledged, and how long the agent may be silent.
    enum Liveness {
        /// Heartbeats are read and not answered.
        case legacy
        case negotiated(WireLiveness)
    }

    let id = Identifiers.uuid()
    let details: ClientDetails
    let engine: Engine
    let created = Date()
    private(set) var tunnels: [String: AgentTunnel] = [:]
    private(set) var isOpen = true
    private let connection: Connection
    private let liveness: Liveness
    private var reader: FrameReader
    private var acknowledger = Acknowledger()
    private var lastFrame: NIODeadline
    /// Set by faults: the session sends nothing, or reads nothing.
    private var isSilent = false
    private var isStalled = false

    private init(_ connection: Connection, details: ClientDetails, liveness: Liveness, reader: FrameReader) {
        self.connection = connection
        self.details = details
        self.liveness = liveness
        self.reader = reader
        engine = connection.engine
        lastFrame = .now()
    }

    // MARK: Opening

    /// Answers a request to open a control channel.
    static func open(_ connection: Connection, _ request: OpenControlChannelRequest, reader: FrameReader) {
        let engine = connection.engine
        engine.record(.openControlChannelRequest(request))
        if let answer = openFault(engine, connection) {
            if let message = answer.message { connection.send(.frame(message)) }
            if answer.ends { connection.lingeringClose() } else { connection.role = IgnoredConnection(connection) }
            return
        }
        if let error = refusal(of: request, on: connection) {
            engine.log("client refused", ["error": "\(error)", "source": connection.sourceText])
            connection.send(.frame(.openControlChannelResponse(.error(error))))
            return connection.lingeringClose()
        }
        let liveness = liveness(for: request.liveness, engine)
        let client = AgentSession(connection, details: request.details, liveness: liveness, reader: reader)
        connection.role = client
        client.start()
    }

    private static func refusal(of request: OpenControlChannelRequest, on connection: Connection) -> EngineError? {
        if let error = connection.engine.refusal(of: request.details, on: connection) { return error }
        if let liveness = request.liveness, liveness.intervalMilliseconds == 0 {
            return EngineError(code: .invalidRequest, message: "Heartbeat interval is missing.")
        }
        guard connection.engine.clients.count < EngineLimits.clients else {
            return EngineError(code: .capacityExhausted, message: "Too many clients.")
        }
        return nil
    }

    private static func openFault(
        _ engine: Engine,
        _ connection: Connection
    ) -> (message: Message?, ends: Bool)? {
        if let error = engine.faults.error(.openError) { return (.openControlChannelResponse(.error(error)), true) }
        if engine.faults.take(.openEmpty) { return (.openControlChannelResponse(.empty), false) }
        if engine.faults.take(.openWrongMessage) { return (.serverMessage("hello"), false) }
        if engine.faults.take(.openSilence) { return (nil, false) }
        if engine.faults.take(.closeOnOpen) { return (nil, true) }
        return nil
    }

    /// Grants the requested interval, and a timeout longer than it.
    private static func liveness(for asked: WireLiveness?, _ engine: Engine) -> Liveness {
        guard var granted = asked, !engine.configuration.isLegacy, !engine.faults.take(.livenessMissing) else {
            return .legacy
        }
        let configured = engine.configuration.livenessTimeout.nanoseconds / 1_000_000
        let interval = Int64(granted.intervalMilliseconds)
        let timeout = configured >= interval ? configured : interval * 3
        granted.timeoutMilliseconds = UInt32(clamping: min(timeout, 900_000))
        if let number = engine.faults.number(.livenessInterval) {
            granted.intervalMilliseconds = UInt32(clamping: number)
        }
        if let number = engine.faults.number(.livenessTimeout) {
            granted.timeoutMilliseconds = UInt32(clamping: number)
        }
        return .negotiated(granted)
    }

    private func start() {
        let granted: WireLiveness? = if case .negotiated(let liveness) = liveness { liveness } else { nil }
        let server = ServerDetails(agent: "rstream-dev-engine", channel: "dev", version: "dev")
        send(.openControlChannelResponse(.ok(clientID: id, serverDetails: server, liveness: granted)))
        engine.add(self)
        injectAfterOpen(isLegacy: granted == nil)
        if let granted { watch(granted) }
        consume()
        if !isStalled { connection.read() }
    }

    /// Faults right after the answer to the open.
    private func injectAfterOpen(isLegacy: Bool) {
        if isLegacy, engine.faults.take(.legacyHeartbeat) { send(.heartbeat(Heartbeat())) }
        if engine.faults.take(.unknownKind) {
            // Field 99 of the envelope, empty: a kind from the future.
            sendRaw(ByteBuffer(bytes: [0, 0, 0, 3, 0x9A, 0x06, 0x00]))
        }
        if engine.faults.take(.emptyFrame) { sendRaw(ByteBuffer(bytes: [0, 0, 0, 0])) }
        if engine.faults.take(.serverMessage) { send(.serverMessage("Hello from the development engine.")) }
        if engine.faults.take(.unexpectedKind) { send(.proxyResponse(error: nil)) }
        if engine.faults.take(.garbageFrame) { sendRaw(ByteBuffer(bytes: [0, 0, 0, 4, 0xFF, 0xFF, 0xFF, 0xFF])) }
        if engine.faults.take(.oversizedFrame) { sendRaw(ByteBuffer(bytes: [0, 1, 0, 0])) }
        if let delay = engine.faults.number(.closeChannelResponse) {
            after(delay) { $0.send(.closeControlChannelResponse) }
        }
        if let delay = engine.faults.number(.dropControl) {
            after(delay) { $0.end(reason: "drop-control", abruptly: false) }
        }
        isSilent = engine.faults.take(.silence)
        isStalled = engine.faults.take(.stallReads)
    }

    // MARK: Frames

    func received(_ bytes: ByteBuffer) {
        var bytes = bytes
        reader.append(&bytes)
        consume()
    }

    private func consume() {
        do throws(FrameError) {
            while isOpen, !isStalled, let message = try reader.next() {
                lastFrame = .now()
                handle(message)
            }
        } catch {
            end(reason: "\(error)", abruptly: false)
        }
    }

    func readCompleted() {
        if isOpen, !isStalled { connection.read() }
    }

    private func handle(_ message: Message) {
        engine.record(message, from: self)
        switch message {
        case .heartbeat(let heartbeat): acknowledge(heartbeat)
        case .openTunnelRequest(let request): openTunnel(request)
        case .closeTunnelRequest(let tunnelID):
            if engine.faults.take(.tunnelCloseSilence) { return }
            if let tunnel = tunnels[tunnelID] { engine.close(tunnel) }
            send(.closeTunnelResponse(tunnelID: tunnelID))
        case .proxyConnectionResponse(let response):
            if let error = response.error { engine.offeredStreams[response.streamID]?.refuse(error) }
        case .closeControlChannelRequest:
            end(reason: "closed by the agent", abruptly: false, lastMessage: .closeControlChannelResponse)
        default:
            // Ignored, as a peer must on an open channel (PROTOCOL.md §2).
            engine.log("message ignored", ["client": id, "kind": message.kind])
        }
    }

    func send(_ message: Message) {
        sendRaw(.frame(message))
    }

    private func sendRaw(_ bytes: ByteBuffer) {
        guard isOpen, !isSilent else { return }
        connection.send(bytes)
        if connection.backlog > EngineLimits.writeBacklog { end(reason: "the agent does not read", abruptly: true) }
    }

    /// Runs `task` later, unless the channel has ended by then.
    private func after(_ milliseconds: Int, _ task: @escaping (AgentSession) -> Void) {
        engine.after(.milliseconds(Int64(milliseconds))) { [weak self] in
            if let self, isOpen { task(self) }
        }
    }

    // MARK: Liveness

    private func acknowledge(_ heartbeat: Heartbeat) {
        guard case .negotiated = liveness else { return }
        for answer in acknowledger.answers(to: heartbeat.sequence, faults: &engine.faults) {
            if answer.delay > 0 {
                after(answer.delay) { $0.send(.heartbeat(answer.heartbeat)) }
            } else {
                send(.heartbeat(answer.heartbeat))
            }
        }
    }

    /// Ends the channel when the agent has been silent for twice the timeout, unless a fault leaves that to the agent.
    private func watch(_ liveness: WireLiveness) {
        let limit = TimeAmount.milliseconds(Int64(max(liveness.timeoutMilliseconds, 50)) * 2)
        let deadline = lastFrame + limit
        let left = deadline - .now()
        guard left > .zero else { return end(reason: "the agent fell silent", abruptly: true) }
        engine.after(left) { [weak self] in
            if let self, isOpen, !isStalled, !isSilent { watch(liveness) }
        }
    }

    // MARK: Tunnels

    private func openTunnel(_ request: OpenTunnelRequest) {
        if let error = engine.faults.error(.tunnelError) { return answer(request, .error(error)) }
        if engine.faults.take(.tunnelEmpty) { return answer(request, .empty) }
        engine.openTunnel(request.properties, owner: self) { [weak self] result in
            guard let self, isOpen else { return }
            switch result {
            case .success(let tunnel): grant(request, tunnel)
            case .failure(let error):
                engine.log("tunnel refused", ["client": id, "error": "\(error)"])
                answer(request, .error(error))
            }
        }
    }

    private func grant(_ request: OpenTunnelRequest, _ tunnel: AgentTunnel) {
        var properties = tunnel.properties
        if engine.faults.take(.tunnelNoID) { properties.id = nil }
        if engine.faults.take(.tunnelDuplicateID), let first = tunnels.values.min(by: { $0.created < $1.created }) {
            properties.id = first.id
        }
        if engine.faults.take(.tunnelLongTexts) {
            let marks = String(repeating: "\u{301}\u{323}", count: 3_000)
            (properties.name, properties.hostname) = (marks, marks + ".example")
            properties.labels = [marks: marks]
        }
        guard Self.fitsFrame(request, properties) else {
            // The request fits in a frame, but not with the properties that the engine adds.
            engine.close(tunnel)
            return answer(request, .error(EngineError(code: .invalidRequest, message: "Properties are too long.")))
        }
        answer(request, .granted(properties))
        if let delay = engine.faults.number(.closeTunnel) {
            after(delay) { $0.endTunnel(tunnel) }
        }
    }

    private static func fitsFrame(_ request: OpenTunnelRequest, _ properties: TunnelProperties) -> Bool {
        let response = OpenTunnelResponse(requestID: request.requestID, outcome: .granted(properties))
        let length = try? Message.openTunnelResponse(response).payload().count
        return length.map { $0 <= WireLimits.framePayload } ?? false
    }

    private func answer(_ request: OpenTunnelRequest, _ outcome: OpenTunnelResponse.Outcome) {
        if engine.faults.take(.tunnelSilence) { return }
        let times = engine.faults.take(.tunnelAnswerTwice) ? 2 : 1
        if engine.faults.take(.tunnelUnknownRequest) {
            let error = EngineError(code: .invalidRequest, message: "No such request.")
            send(.openTunnelResponse(OpenTunnelResponse(requestID: Identifiers.uuid(), outcome: .error(error))))
        }
        let answer = Message.openTunnelResponse(OpenTunnelResponse(requestID: request.requestID, outcome: outcome))
        let delay = engine.faults.number(.tunnelLate) ?? 0
        for _ in 0..<times {
            if delay > 0 { after(delay) { $0.send(answer) } } else { send(answer) }
        }
    }

    func adopt(_ tunnel: AgentTunnel) { tunnels[tunnel.id] = tunnel }

    func release(_ tunnel: AgentTunnel) { tunnels[tunnel.id] = nil }

    /// Ends a tunnel without a request.
    func endTunnel(_ tunnel: AgentTunnel) {
        guard tunnel.isOpen else { return }
        engine.close(tunnel)
        send(.closeTunnelResponse(tunnelID: tunnel.id))
    }

    // MARK: End

    /// Ends the channel and its tunnels; relayed streams continue.
    ///
    /// `lastMessage` is sent once names and ports are free: the agent may request them again as soon as it has read it.
    func end(reason: String, abruptly: Bool, lastMessage: Message? = nil) {
        guard isOpen else { return }
        isOpen = false
        engine.remove(self, reason: reason)
        if let lastMessage, !isSilent { connection.send(.frame(lastMessage)) }
        if abruptly { connection.abort() } else { connection.lingeringClose() }
    }

    func inputClosed() { end(reason: "end of stream", abruptly: false) }

    func failed(_ error: any Error) { end(reason: ConnectionFailure.text(error), abruptly: true) }

    func closed() { end(reason: "connection closed", abruptly: true) }
}

/// The role of a control connection whose open got a wrong answer, or none: it stays open and its input is ignored.
private final class IgnoredConnection: ConnectionRole {
    private let connection: Connection

    init(_ connection: Connection) {
        self.connection = connection
        connection.read()
    }

    func received(_ bytes: ByteBuffer) {}
    func readCompleted() { connection.read() }
    func inputClosed() { connection.close() }
    func failed(_ error: any Error) { connection.abort() }
    func closed() {}
}
