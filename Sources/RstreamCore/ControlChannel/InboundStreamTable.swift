// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamWire

/// The inbound streams of one control channel, each from the engine's request until our answer was written
/// (PROTOCOL.md §6).
///
/// ``AdmissionStateMachine`` says which handshakes run and which wait. The table adds the answers that were handed to
/// the connection and are not written yet: their ids are still in use, and an engine that takes none of them has stalled.
struct InboundStreamTable: Equatable, Sendable {
    enum RequestedAction: Equatable {
        case start
        case wait
        case refuse
    }

    /// A request, and where its connection is dialed.
    struct Routed: Equatable, Sendable {
        let request: ProxyConnectionRequest
        let route: StreamRoute
    }

    private var admission: AdmissionStateMachine<Routed>
    private var answering: Set<String> = []
    private let unwrittenAnswers: Int

    init(_ limits: ControlChannelLimits) {
        admission = AdmissionStateMachine(active: limits.openingStreams, pending: limits.pendingStreams)
        unwrittenAnswers = limits.unwrittenAnswers
    }

    /// Whether the id is in use: the stream waits, its handshake runs, or its answer is not written yet.
    func contains(_ streamID: String) -> Bool { answering.contains(streamID) || admission.contains(streamID) }

    /// Whether the stream's handshake was started and not answered.
    func awaitsAnswer(_ streamID: String) -> Bool {
        admission.isRunning(streamID) && !answering.contains(streamID)
    }

    var hasWaiting: Bool { admission.hasWaiting }

    /// A stream under an id that is not in use.
    mutating func requested(_ request: ProxyConnectionRequest, _ route: StreamRoute) -> RequestedAction {
        switch admission.requested(request.streamID, Routed(request: request, route: route)) {
        case .start: .start
        case .wait, .ignore: .wait
        case .refuse: .refuse
        }
    }

    /// An answer is handed to the connection. False when it must not be, because too many before it are not written.
    mutating func answered(_ streamID: String) -> Bool {
        answering.insert(streamID)
        return answering.count <= unwrittenAnswers
    }

    /// An answer was written to the network. Returns the stream that takes the place.
    mutating func answerWritten(_ streamID: String) -> Routed? {
        guard answering.remove(streamID) != nil else { return nil }
        return admission.finished(streamID)
    }

    /// Takes the stream that has waited longest, if there is room for its handshake.
    mutating func next() -> Routed? { admission.next() }

    mutating func limitsChanged(opening: Int, pending: Int) {
        admission.limitsChanged(active: opening, pending: pending)
    }

    /// The channel is gone. Returns the handshakes that run without an answer, and the requests that wait.
    consuming func ended() -> (handshakes: [String], waiting: [ProxyConnectionRequest]) {
        let waiting = admission.waiting.map(\.request)
        let answering = answering
        return (admission.ended().filter { !answering.contains($0) }, waiting)
    }
}
