// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import NIOCore
internal import NIOHTTP1
internal import RstreamAdmin
internal import RstreamModel

/// One client's connection: reads a request, writes the reply, and reads the next.
struct HTTPConnection: Sendable {
    typealias Answer = @Sendable (HTTPCall) async -> HTTPReply
    typealias Channel = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

    static let eventStream = "text/event-stream"
    /// The longest request, headers and body together.
    static let longestRequest = AdminJSON.longestRequest

    let channel: Channel
    let peer: Peer
    let endpoint: RequestPolicy.Endpoint
    let events: EventRing
    let readers: EventSlots
    let rights: HTTPListener.Rights
    let answer: Answer

    /// Serves until one side closes the connection.
    func run() async throws {
        try await channel.executeThenClose { inbound, outbound in
            var parts = inbound.makeAsyncIterator()
            var ends: [@Sendable () -> Void] = []
            defer { for end in ends { end() } }
            while let part = try await parts.next() {
                guard case .head(let head) = part else { continue }
                let policy = RequestPolicy(head, at: endpoint)
                if policy.wantsContinue {
                    try await outbound.write(.head(HTTPResponseHead(version: .http1_1, status: .continue)))
                }
                var request = RequestBody(head)
                while let part = try await parts.next(), request.take(part) {}
                let body = request.bytes
                let rights = rights(peer)
                let reply: HTTPReply
                if let problem = policy.problem {
                    reply = .problem(problem)
                } else if let body {
                    let call = HTTPCall(
                        method: head.method.rawValue,
                        target: policy.target,
                        headers: head.headers,
                        body: body,
                        peer: peer,
                        rights: rights,
                        connection: ClientConnection(channel.channel),
                        keepsAlive: policy.keepsAlive
                    )
                    reply = await answer(call)
                    if let end = reply.whenConnectionEnds {
                        ends.append(end)
                        channel.channel.triggerUserOutboundEvent(RequestBoundsHandler.MayBeIdle(), promise: nil)
                    }
                } else {
                    reply = .problem(Problem(.tooLarge, "the request exceeds 64 KiB"))
                }
                // One answer says that there are no others.
                let isLast = body == nil || !rights.mayRead
                guard try await write(reply, to: head, policy, isComplete: !isLast, outbound) else { return }
            }
        }
    }

    /// Returns whether the connection stays open.
    private func write(
        _ reply: HTTPReply,
        to head: HTTPRequestHead,
        _ policy: RequestPolicy,
        isComplete: Bool,
        _ outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws -> Bool {
        var policy = policy
        if !isComplete { policy.keepsAlive = false }
        switch reply.content {
        case .bytes(let bytes):
            try await outbound.write(.head(responseHead(reply, to: head, policy)))
            if head.method != .HEAD, !bytes.isEmpty {
                try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: bytes))))
            }
            try await outbound.write(.end(nil))
            return policy.keepsAlive
        case .events(let next):
            guard readers.take() else {
                return try await write(.tooManyReaders, to: head, policy, isComplete: isComplete, outbound)
            }
            defer { readers.release() }
            policy.keepsAlive = false
            try await outbound.write(.head(responseHead(reply, to: head, policy)))
            if head.method != .HEAD { try await events.withReader { try await write(eventsFrom: next, outbound) } }
            try await outbound.write(.end(nil))
            return false
        case .socket(let pass):
            if let socket = await takeSocket() { await pass(socket) }
            return false
        }
    }

    /// A copy of the connection's descriptor, from which this connection reads nothing any more. The client sends
    /// nothing before the answer, which is up to the one that gets the copy.
    private func takeSocket() async -> CInt? {
        let channel = channel.channel
        try? await channel.setOption(.autoRead, value: false).get()
        return try? await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable { (descriptor: NIOBSDSocket.Handle) in
                let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
                return copy >= 0 ? copy : nil
            } ?? nil
        }.get()
    }

    private func responseHead(
        _ reply: HTTPReply,
        to head: HTTPRequestHead,
        _ policy: RequestPolicy
    ) -> HTTPResponseHead {
        var headers = HTTPHeaders(reply.headers.map { ($0.name, $0.value) })
        headers.add(name: "Date", value: HTTPDate.text(.now))
        if !reply.type.isEmpty { headers.add(name: "Content-Type", value: reply.type) }
        headers.add(name: "Cache-Control", value: "no-store")
        if case .bytes(let bytes) = reply.content, reply.status != .noContent {
            headers.add(name: "Content-Length", value: String(bytes.count))
        }
        if let connection = policy.connection { headers.add(name: "Connection", value: connection) }
        return HTTPResponseHead(version: head.version, status: reply.status, headers: headers)
    }

    // MARK: Events

    /// How often an idle reader gets a comment, which shows that the daemon is still there.
    private static let keepAliveInterval = Duration.seconds(15)

    /// Writes events until the ring is closed or the task is cancelled; throws when the client is gone.
    private func write(
        eventsFrom first: Int,
        _ outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // A wait for the next event may be long, and does not notice that the client is gone.
                await waitUntilGone()
                try Task.checkCancellation()
                throw ChannelError.ioOnClosedChannel
            }
            group.addTask {
                var next = first
                var hasSentBacklog = false
                while true {
                    let reading = events.read(from: next)
                    next = reading.next
                    var text = Self.missed(reading)
                    for record in reading.records { text += record.text(Self.text) }
                    if !hasSentBacklog { text += ": end of backlog\n\n" }
                    hasSentBacklog = true
                    if !text.isEmpty { try await outbound.write(.body(.byteBuffer(ByteBuffer(string: text)))) }
                    guard try await waitForEvent(next, outbound) else { return }
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Waits until the connection is closed, or the task is cancelled.
    private func waitUntilGone() async {
        let gone = channel.channel.eventLoop.makePromise(of: Void.self)
        channel.channel.closeFuture.whenComplete { _ in gone.succeed() }
        await withTaskCancellationHandler {
            try? await gone.futureResult.get()
        } onCancel: {
            gone.succeed()
        }
    }

    /// Waits for the next event, and sends comments meanwhile. Returns false when there will be none.
    private func waitForEvent(
        _ next: Int,
        _ outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws -> Bool {
        while true {
            let hasEvent = await withTaskGroup(of: Bool?.self) { group in
                group.addTask { await events.wait(for: next) }
                group.addTask {
                    try? await pause(for: Self.keepAliveInterval)
                    return nil
                }
                let first = await group.next() ?? nil
                group.cancelAll()
                return first
            }
            if let hasEvent { return hasEvent }
            if Task.isCancelled { return false }
            try await outbound.write(.body(.byteBuffer(ByteBuffer(string: ": still here\n\n"))))
        }
    }

    private static func missed(_ reading: EventRing.Reading) -> String {
        guard reading.missed > 0 || reading.isFromOtherProcess else { return "" }
        var event = Event(time: reading.events.first?.time ?? .now, type: "events.missed")
        // A reader that reconnects with this id continues after the gap.
        event.id = (reading.events.first?.id ?? reading.next) - 1
        event.missed = Count(wrappedValue: reading.missed)
        if reading.isFromOtherProcess {
            event.message = "the last event read was another process's; some events may be missing"
        }
        return text(event)
    }

    private static func text(_ event: Event) -> String {
        let json = (try? AdminJSON.encode(event)) ?? []
        return "id: \(event.id)\nevent: \(event.type)\ndata: \(String(decoding: json, as: UTF8.self))\n\n"
    }
}

/// The body of one request, up to the limit.
private struct RequestBody {
    /// How much is read beyond the limit: a client that is still sending does not read the reply.
    private static let discarded = 1_024 * 1_024

    private var body: [UInt8] = []
    private var size: Int
    private var isComplete = false

    init(_ head: HTTPRequestHead) {
        size = head.headers.reduce(head.uri.utf8.count) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
    }

    /// Returns whether more of the request is to be read.
    mutating func take(_ part: HTTPServerRequestPart) -> Bool {
        switch part {
        case .head: return true
        case .body(let buffer):
            size += buffer.readableBytes
            if size <= HTTPConnection.longestRequest { body += buffer.readableBytesView }
            return size <= HTTPConnection.longestRequest + Self.discarded
        case .end:
            isComplete = true
            return false
        }
    }

    /// Nil for a request that is too long or incomplete.
    var bytes: [UInt8]? { isComplete && size <= HTTPConnection.longestRequest ? body : nil }
}
