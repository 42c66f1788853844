// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// Understands the bytes of one stream as requests and responses of HTTP/1.1, and changes none of them.
///
/// It sees every byte once, in the order in which the relay passes it on, and never holds one back. It keeps what is
/// told of the requests that wait for their responses: a few heads, without secrets, and the beginnings of bodies where a
/// client asks for them. What it does not understand ends the inspection of the stream with a record that says why; the
/// stream goes on.
package struct InspectionStateMachine: Hashable, Sendable {
    package enum Side: Hashable, Sendable {
        case visitor
        case service
    }

    /// The most requests of a stream that wait for their responses, and what they may take of the memory for requests.
    package static let mostWaiting = 32
    package static let mostMemory = 32 * 1_024
    /// What their bodies may take beside that.
    package static let mostMemoryOfBodies = 2 * InspectedBody.most

    /// What the requests of the stream may take of the memory for requests.
    private struct Limits {
        /// Without their bodies.
        let heads: Int
        /// Their bodies alone; nil where none are kept of a request that begins.
        let bodies: Int?
    }

    /// What a side sends next.
    private enum Reading: Hashable, Sendable {
        case head(HTTPHeadReader)
        case body(HTTPBodyReader)
        /// Nothing that is understood: the request was CONNECT, which is not answered.
        case opaque
    }

    /// A request whose response is not complete.
    private struct Waiting: Hashable, Sendable {
        var request: InspectedRequest
        let start: ContinuousClock.Instant
        /// Whether all of it has come.
        var isSent = false
        /// Whether all of its response has come.
        var isAnswered = false
    }

    /// Whether nothing more is looked at.
    package private(set) var isOver = false
    private var requests = Reading.head(HTTPHeadReader(ofResponse: false))
    private var responses = Reading.head(HTTPHeadReader(ofResponse: true))
    /// In the order of the requests. All but the last are sent.
    private var waiting: [Waiting] = []
    /// Whether bytes have come behind a CONNECT that is not answered.
    private var isAhead = false
    /// When the first byte of the request's head came that is read.
    private var start: ContinuousClock.Instant?
    private var ended: [InspectedRequest] = []

    package init() {}

    /// What it takes of the memory for requests.
    package var size: Int { sizeOfHeads + sizeOfBodies }

    private var sizeOfHeads: Int {
        var size = waiting.reduce(0) { $0 + $1.request.sizeOfHeads }
        if case .head(let head) = requests { size += head.size }
        if case .head(let head) = responses { size += head.size }
        return size
    }

    private var sizeOfBodies: Int { waiting.reduce(0) { $0 + ($1.request.bodies?.size ?? 0) } }

    /// The requests that have ended since the last call, in order.
    package mutating func takeEnded() -> [InspectedRequest] {
        guard !ended.isEmpty else { return [] }
        defer { ended = [] }
        return ended
    }

    /// Bytes pass. `room` is what is left of the memory for the requests of all streams. Bodies are kept of requests that
    /// begin, and as far as they take no more than `roomForBodies` of that; nil where none are.
    package mutating func received(
        _ bytes: UnsafeRawBufferPointer,
        from side: Side,
        at now: ContinuousClock.Instant,
        room: Int,
        roomForBodies: Int? = nil
    ) {
        guard !isOver else { return }
        // What it takes already is a part of what all streams take.
        let limits = Limits(
            heads: min(sizeOfHeads + max(0, room), Self.mostMemory),
            bodies: roomForBodies.map { min(sizeOfBodies + max(0, $0), Self.mostMemoryOfBodies) }
        )
        var cursor = ByteCursor(bytes)
        while cursor.count > 0, !isOver {
            switch side {
            case .visitor: readRequest(&cursor, limits, now)
            case .service: readResponse(&cursor, limits, now)
            }
        }
    }

    /// A side sends nothing more. Only a response that ends with its connection is complete by that.
    package mutating func inputEnded(_ side: Side, at now: ContinuousClock.Instant) {
        guard !isOver, side == .service, case .body(.untilClose) = responses else { return }
        responseEnded(at: now)
    }

    /// The stream is over.
    package mutating func streamEnded(at now: ContinuousClock.Instant) {
        // A service may answer, and close, before it has read all of a request.
        if waiting.first?.isAnswered == true { finishFirst(.complete, at: now) }
        if !waiting.isEmpty { stop(.cut, at: now) }
        (requests, responses, isOver) = (.opaque, .opaque, true)
    }

    // MARK: Requests

    private mutating func readRequest(_ bytes: inout ByteCursor, _ limits: Limits, _ now: ContinuousClock.Instant) {
        switch requests {
        case .opaque: isAhead = !bytes.piece(bytes.count).isEmpty
        case .head(var head):
            let room = limits.heads - sizeOfHeads
            // Taken out, so that it is not copied when it is changed.
            requests = .opaque
            let progress = head.read(&bytes, limit: head.size + room)
            // Not by the empty lines in front of it.
            start = head.isBegun ? start ?? now : nil
            switch progress {
            case .needsMore: requests = .head(head)
            case .tooLong: stop(.longHead, at: now)
            case .malformed: stop(.malformedRequest, at: now)
            case .noMemory: stop(.noMemory, at: now)
            case .complete: requestBegan(head, limits, &bytes, now)
            }
        case .body(let body): readRequestBody(body, limits, &bytes, now)
        }
    }

    private mutating func requestBegan(
        _ head: HTTPHeadReader,
        _ limits: Limits,
        _ bytes: inout ByteCursor,
        _ now: ContinuousClock.Instant
    ) {
        guard let line = RequestLine(head.firstLine) else { return stop(.malformedRequest, at: now) }
        guard line.major == 1 else { return stop(line.major == 2 ? .http2 : .malformedRequest, at: now) }
        // A body that ends with the connection is none that a request can have. Of other codings, and of any in HTTP/1.0,
        // receivers think differently.
        let isClear = !head.framing.hasCodings || head.framing.isOnlyChunked && line.minor > 0
        guard isClear else { return stop(.malformedRequest, at: now) }
        guard waiting.count < Self.mostWaiting else { return stop(.pipelined, at: now) }
        var request = InspectedRequest(method: line.method, target: line.target, requestHeaders: head.headers)
        request.requestHeaders.trim()
        let room = limits.heads - sizeOfHeads
        if request.size > room { request.requestHeaders.drop() }
        guard request.size <= room else { return stop(.noMemory, at: now) }
        if limits.bodies != nil { request.bodies = InspectedBodies() }
        waiting.append(Waiting(request: request, start: start ?? now))
        start = nil
        guard !line.method.sameBytes(as: "CONNECT") else { return }
        readRequestBody(HTTPBodyReader(ofRequest: head.framing), limits, &bytes, now)
    }

    private mutating func readRequestBody(
        _ body: HTTPBodyReader,
        _ limits: Limits,
        _ bytes: inout ByteCursor,
        _ now: ContinuousClock.Instant
    ) {
        let last = waiting.count - 1
        // It stays until all of it has come.
        guard last >= 0 else { return stop(.malformedRequest, at: now) }
        var body = body
        let progress = body.read(&bytes) { piece in
            let room = roomForBodies(limits)
            waiting[last].request.requestBytes += piece.count
            waiting[last].request.bodies?.request.add(piece, room: room)
        }
        switch progress {
        case .needsMore: requests = .body(body)
        case .malformed: stop(.malformedRequest, at: now)
        case .complete:
            requests = .head(HTTPHeadReader(ofResponse: false))
            waiting[last].isSent = true
            if waiting[last].isAnswered { finishFirst(.complete, at: now) }
        }
    }

    /// What is left for bodies.
    private func roomForBodies(_ limits: Limits) -> Int { limits.bodies.map { max(0, $0 - sizeOfBodies) } ?? 0 }

    // MARK: Responses

    private mutating func readResponse(_ bytes: inout ByteCursor, _ limits: Limits, _ now: ContinuousClock.Instant) {
        // An answer that came before all of its request is the last one until that has come.
        guard let first = waiting.first, !first.isAnswered else { return stop(.unaskedResponse, at: now) }
        switch responses {
        case .opaque: _ = bytes.piece(bytes.count)
        case .head(var head):
            let room = limits.heads - sizeOfHeads
            responses = .opaque
            switch head.read(&bytes, limit: head.size + room) {
            case .needsMore: responses = .head(head)
            case .tooLong: stop(.longHead, at: now)
            case .malformed: stop(.malformedResponse, at: now)
            case .noMemory: stop(.noMemory, at: now)
            case .complete: responseBegan(head, limits, &bytes, now)
            }
        case .body(let body): readResponseBody(body, limits, &bytes, now)
        }
    }

    private mutating func responseBegan(
        _ head: HTTPHeadReader,
        _ limits: Limits,
        _ bytes: inout ByteCursor,
        _ now: ContinuousClock.Instant
    ) {
        var reader = HTTPStatusReader()
        guard case .status(let status) = reader.received(head.firstLine),
            head.firstLine.count == 12 || head.firstLine[12] == 0x20,
            let minor = head.firstLine[7].hexadecimal, minor <= 9, minor > 0 || !head.framing.hasCodings
        else { return stop(.malformedResponse, at: now) }
        // Interim responses come before the one that counts.
        guard status >= 200 || status == 101 else {
            responses = .head(HTTPHeadReader(ofResponse: true))
            return
        }
        waiting[0].request.status = status
        waiting[0].request.responseHeaders = head.headers
        waiting[0].request.responseHeaders.trim()
        if sizeOfHeads > limits.heads { waiting[0].request.responseHeaders.drop() }
        let method = waiting[0].request.method ?? ""
        let isConnect = method.sameBytes(as: "CONNECT")
        guard status != 101, !isConnect || status >= 300 else { return stop(.upgraded, at: now) }
        if isConnect {
            // HTTP goes on, but with what, where the visitor did not wait for the answer?
            guard !isAhead else { return stop(.malformedRequest, at: now) }
            requests = .head(HTTPHeadReader(ofResponse: false))
            waiting[0].isSent = true
        }
        let isAbsent = method.sameBytes(as: "HEAD") || status == 204 || status == 304
        readResponseBody(HTTPBodyReader(ofResponse: head.framing, isAbsent: isAbsent), limits, &bytes, now)
    }

    private mutating func readResponseBody(
        _ body: HTTPBodyReader,
        _ limits: Limits,
        _ bytes: inout ByteCursor,
        _ now: ContinuousClock.Instant
    ) {
        var body = body
        let progress = body.read(&bytes) { piece in
            let room = roomForBodies(limits)
            waiting[0].request.responseBytes += piece.count
            waiting[0].request.bodies?.response.add(piece, room: room)
        }
        switch progress {
        case .needsMore: responses = .body(body)
        case .malformed: stop(.malformedResponse, at: now)
        case .complete: responseEnded(at: now)
        }
    }

    private mutating func responseEnded(at now: ContinuousClock.Instant) {
        responses = .head(HTTPHeadReader(ofResponse: true))
        guard let first = waiting.first else { return }
        waiting[0].isAnswered = true
        if first.isSent { finishFirst(.complete, at: now) }
    }

    // MARK: Ends

    private mutating func finishFirst(_ end: InspectedRequest.End, at now: ContinuousClock.Instant) {
        let first = waiting.removeFirst()
        var request = first.request
        request.duration = first.start.duration(to: now)
        request.end = end
        ended.append(request)
    }

    /// The inspection ends, and every request that waits says why; where none does, a record of its own.
    private mutating func stop(_ end: InspectedRequest.End, at now: ContinuousClock.Instant) {
        if waiting.isEmpty {
            var request = InspectedRequest()
            request.duration = start?.duration(to: now) ?? .zero
            request.end = end
            ended.append(request)
        }
        while !waiting.isEmpty { finishFirst(end, at: now) }
        (requests, responses, isOver) = (.opaque, .opaque, true)
    }
}

/// The first line of a request (RFC 9112 §3).
private struct RequestLine {
    /// Bytes of the longest method: none that is registered has half as many.
    private static let longestMethod = 32

    let method: String
    /// Without secrets, and cut.
    let target: String
    /// The digits of the version.
    let major: UInt8
    let minor: UInt8

    init?(_ line: [UInt8]) {
        guard let first = line.firstIndex(of: 0x20), let last = line.lastIndex(of: 0x20), first < last else {
            return nil
        }
        let (method, target, version) = (line[..<first], line[(first + 1)..<last], line[(last + 1)...])
        guard (1...Self.longestMethod).contains(method.count), method.allSatisfy(\.isOfToken) else { return nil }
        guard !target.isEmpty, target.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
        guard version.count == 8, version.starts(with: "HTTP/".utf8), version[last + 7] == UInt8(ascii: "."),
            (0x30...0x39).contains(version[last + 6]), (0x30...0x39).contains(version[last + 8])
        else { return nil }
        self.method = String(decoding: method, as: UTF8.self)
        let shown = target.withUnsafeBytes { HiddenSecrets.shown(in: $0) } ?? Array(target)
        self.target = String(decoding: shown, as: UTF8.self).cut(toBytes: InspectedRequest.longestTarget)
        (major, minor) = (version[last + 6] - 0x30, version[last + 8] - 0x30)
    }
}
