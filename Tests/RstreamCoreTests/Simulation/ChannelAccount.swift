// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamTestSupport
import RstreamWire

/// What must be true of one control channel, by what went in and what came out of its machine: ``ChannelModel`` keeps
/// one beside each state that it visits.
///
/// It decides nothing the way the machine does. It knows at which point each tunnel and each stream is, and complains of
/// an action for which there is no reason at that point.
struct ChannelAccount: Hashable {
    typealias Machine = ControlChannelStateMachine

    enum Phase: Hashable {
        case connecting
        case opening
        case open
        case closing
        case ended
    }

    enum Tunnel: Hashable {
        case idle
        /// The caller waits and the engine has not answered.
        case requested
        /// The caller gave up, and the engine may still answer.
        case abandoned
        case open
        /// The engine was asked to close it.
        case closing
        /// The engine did not confirm that in time, and may still send streams.
        case forgotten
        /// It was granted too late, and the engine was asked to close it.
        case givenBack
        case over
    }

    enum Stream: Hashable {
        case unasked
        /// The engine asked for it, on this tunnel.
        case waiting(of: Int)
        case running(of: Int)
        /// Its handshake has ended, and the machine has not said what follows.
        case finishing
        /// Its answer is being written.
        case answering(holdsPlace: Bool)
        case over
    }

    var phase = Phase.connecting
    var tunnels: [Tunnel]
    var streams: [Stream]
    /// How many streams may be in their handshake, or have an answer that is being written.
    var places: Int
    /// How many may wait for that.
    let queue: Int
    /// Heartbeats sent and acknowledged.
    var beats: UInt64 = 0
    var acknowledged: UInt64 = 0
    var isWritingBeat = false

    init(tunnels: Int, streams: Int, limits: ControlChannelLimits) {
        self.tunnels = Array(repeating: .idle, count: tunnels)
        self.streams = Array(repeating: .unasked, count: streams)
        places = limits.openingStreams
        queue = limits.pendingStreams
    }

    var isLive: Bool { phase == .open || phase == .closing }

    private var taken: Int {
        streams.count {
            switch $0 {
            case .running, .answering(holdsPlace: true): true
            case .unasked, .waiting, .finishing, .answering(holdsPlace: false), .over: false
            }
        }
    }

    private var waiting: [Int] {
        streams.indices.filter { if case .waiting = streams[$0] { true } else { false } }
    }

    // MARK: What must hold after each input

    /// `hasWaiting` is what the machine says of streams that wait.
    func checked(hasWaiting: Bool) throws(Complaint) {
        guard isLive else { return }
        try demand(taken <= places, "\(taken) streams are in \(places) places")
        try demand(waiting.isEmpty || taken >= places, "a stream waits although there is room for it")
        try demand(waiting.isEmpty == !hasWaiting, "the machine does not know which streams wait")
        try demand(!streams.contains(.finishing), "a handshake has ended, and its stream is not answered")
    }

    // MARK: Actions

    mutating func received(_ action: Machine.ReceivedAction) throws(Complaint) {
        switch action {
        case .doNothing: break
        case .opened:
            try demand(phase == .opening, "the channel opened while it was \(phase)")
            phase = .open
        case .openTunnel(let requestID, let properties):
            let tunnel = try index(of: requestID)
            try demand(tunnels[tunnel] == .requested, "tunnel \(tunnel) was opened while it was \(tunnels[tunnel])")
            try demand(properties.id == ChannelNames.tunnel(tunnel), "tunnel \(tunnel) opened as another one")
            tunnels[tunnel] = .open
        case .failTunnel(let requestID, _, let unused):
            let tunnel = try index(of: requestID)
            try demand(tunnels[tunnel] == .requested, "tunnel \(tunnel) failed while it was \(tunnels[tunnel])")
            try demand(unused == nil, "a tunnel that another request owns was given back")
            tunnels[tunnel] = .over
        case .giveBackTunnel(let tunnelID):
            let tunnel = try index(ofTunnel: tunnelID)
            try demand(tunnels[tunnel] == .abandoned, "tunnel \(tunnel) was given back while \(tunnels[tunnel])")
            tunnels[tunnel] = .givenBack
        case .endTunnel(let tunnelID, let error):
            let tunnel = try index(ofTunnel: tunnelID)
            switch tunnels[tunnel] {
            case .open: try demand(error != nil, "tunnel \(tunnel) ended without a reason")
            case .closing: try demand(error == nil, "tunnel \(tunnel) ended as asked, with an error")
            case .idle, .requested, .abandoned, .forgotten, .givenBack, .over:
                throw Complaint("tunnel \(tunnel) ended while it was \(tunnels[tunnel])")
            }
            tunnels[tunnel] = .over
        case .startStream(let request, _): try started(request)
        case .refuseStream(let request, let refusal): try refused(request, refusal, holdsPlace: false)
        case .heartbeatAcknowledged: break
        case .logServerMessage: throw Complaint("a message of the engine came from nowhere")
        case .end(let end): try ended(end)
        }
    }

    mutating func next(_ action: Machine.NextStreamAction) throws(Complaint) {
        switch action {
        case .doNothing: break
        case .start(let request, _): try started(request)
        // It had got a place before it was refused.
        case .refuse(let request, let refusal): try refused(request, refusal, holdsPlace: true)
        case .end(let end): try ended(end)
        }
    }

    mutating func finished(_ action: Machine.StreamFinishedAction, stream: Int, fails: Bool) throws(Complaint) {
        switch action {
        case .doNothing: break
        case .answer(let response):
            let answered = try index(ofStream: response.streamID)
            try demand(streams[answered] == .finishing, "stream \(answered) answered while \(streams[answered])")
            try demand((response.error != nil) == fails, "stream \(stream) was answered with the wrong result")
            streams[answered] = .answering(holdsPlace: true)
        case .end(let end):
            // It was handed over, or has failed: the end is not its end.
            streams[stream] = .over
            try ended(end)
        }
    }

    private mutating func started(_ request: ProxyConnectionRequest) throws(Complaint) {
        let stream = try index(ofStream: request.streamID)
        guard case .waiting(let tunnel) = streams[stream] else {
            throw Complaint("stream \(stream) was started while it was \(streams[stream])")
        }
        try demand(phase == .open, "stream \(stream) was started while the channel was \(phase)")
        try demand(tunnels[tunnel] == .open, "stream \(stream) was started on a tunnel that is \(tunnels[tunnel])")
        streams[stream] = .running(of: tunnel)
    }

    private mutating func refused(
        _ request: ProxyConnectionRequest,
        _ refusal: Machine.StreamRefusal,
        holdsPlace: Bool
    ) throws(Complaint) {
        let stream = try index(ofStream: request.streamID)
        guard case .waiting(let tunnel) = streams[stream] else {
            throw Complaint("stream \(stream) was refused while it was \(streams[stream])")
        }
        switch refusal {
        case .closing:
            try demand(
                phase == .closing || tunnels[tunnel] != .open,
                "stream \(stream) was refused although its tunnel and its channel are open"
            )
        case .full:
            try demand(
                taken >= places && waiting.count > queue,
                "stream \(stream) was refused although there is room for it"
            )
        case .unusable: throw Complaint("stream \(stream) was refused for its route")
        }
        streams[stream] = .answering(holdsPlace: holdsPlace)
    }

    /// The end takes everything along that has not ended by itself, and each thing once.
    mutating func ended(_ end: Machine.End) throws(Complaint) {
        try demand(phase != .ended, "the channel ended twice")
        let requests = tunnels.indices.filter { tunnels[$0] == .requested }
        try demand(
            end.requests == requests.map(ChannelNames.request),
            "requests at the end: \(end.requests.count) instead of \(requests)"
        )
        let open = tunnels.indices.filter { tunnels[$0] == .open || tunnels[$0] == .closing }
        try demand(end.tunnels == open.map(ChannelNames.tunnel), "tunnels at the end: \(end.tunnels), not \(open)")
        let running = streams.indices.filter { if case .running = streams[$0] { true } else { false } }
        try demand(
            end.handshakes == running.map(ChannelNames.stream),
            "handshakes at the end: \(end.handshakes) instead of \(running)"
        )
        try demand(
            Set(end.droppedStreams.map(\.streamID)) == Set(waiting.map(ChannelNames.stream))
                && end.droppedStreams.count == waiting.count,
            "streams that are dropped at the end: \(end.droppedStreams.map(\.streamID)) instead of \(waiting)"
        )
        phase = .ended
        // Nothing of it matters any more, so that all ends with one cause are one state.
        tunnels = tunnels.map { _ in .over }
        streams = streams.map { _ in .over }
        (beats, acknowledged, isWritingBeat) = (0, 0, false)
        places = 0
    }

    // MARK: Names

    private func index(of requestID: RequestID) throws(Complaint) -> Int {
        guard let index = tunnels.indices.first(where: { ChannelNames.request($0) == requestID }) else {
            throw Complaint("a request that was never made: \(requestID)")
        }
        return index
    }

    private func index(ofTunnel id: String) throws(Complaint) -> Int {
        guard let index = tunnels.indices.first(where: { ChannelNames.tunnel($0) == id }) else {
            throw Complaint("a tunnel that there is not: \(id)")
        }
        return index
    }

    private func index(ofStream id: String) throws(Complaint) -> Int {
        guard let index = streams.indices.first(where: { ChannelNames.stream($0) == id }) else {
            throw Complaint("a stream that there is not: \(id)")
        }
        return index
    }
}

/// The ids of the small world, made once: they are compared in every step.
enum ChannelNames {
    private static let requests: [RequestID] = ["request 0", "request 1"]
    private static let tunnels = ["t0", "t1"]
    private static let streams = ["s0", "s1", "s2"]

    static func request(_ index: Int) -> RequestID { requests[index] }
    static func tunnel(_ index: Int) -> String { tunnels[index] }
    static func stream(_ index: Int) -> String { streams[index] }
}
