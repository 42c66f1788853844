internal import Linux
internal import NIOCore
internal import NIOHTTP1
internal import RstreamAdmin
internal import RstreamModel

/// One client's connection: takes a request, has it answered, takes the next.
struct HTTPConnection: Sendable {
    typealias Answer = @Sendable (HTTPCall) async -> HTTPReply
    typealias Channel = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

    static let eventStream = "text/event-stream"
    /// The longest request, headers and body together.
    static let longestRequest = AdminJSON.longestRequest

    let channel: Channel
    let peer: Peer
    let door: RequestPolicy.Endpoint
    let events: EventRing
    let readers: EventSlots
    let answer: Answer

    /// Serves until the client has had enough, or is out of bounds.
    func run() async throws {
        try await channel.executeThenClose { inbound, outbound in
            var parts = inbound.makeAsyncIterator()
            while let part = try await parts.next() {
                guard case .head(let head) = part else { continue }
                let manners = RequestPolicy(head, at: door)
                if manners.wantsContinue {
                    try await outbound.write(.head(HTTPResponseHead(version: .http1_1, status: .continue)))
                }
                var request = RequestBody(head)
                while let part = try await parts.next(), request.take(part) {}
                let body = request.bytes
                let reply: HTTPReply
                if let problem = manners.problem {
                    reply = .problem(problem)
                } else if let body {
                    let call = HTTPCall(
                        method: head.method.rawValue,
                        target: manners.target,
                        headers: head.headers,
                        body: body,
                        peer: peer
                    )
                    reply = await answer(call)
                } else {
                    reply = .problem(Problem(.tooLarge, "the request is longer than 64 KiB"))
                }
                guard try await write(reply, to: head, manners, isWhole: body != nil, outbound) else { return }
            }
        }
    }

    /// Whether the connection goes on.
    private func write(
        _ reply: HTTPReply,
        to head: HTTPRequestHead,
        _ manners: RequestPolicy,
        isWhole: Bool,
        _ outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws -> Bool {
        var manners = manners
        if !isWhole { manners.keeps = false }
        switch reply.content {
        case .bytes(let bytes):
            try await outbound.write(.head(responseHead(reply, to: head, manners)))
            if head.method != .HEAD, !bytes.isEmpty {
                try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: bytes))))
            }
            try await outbound.write(.end(nil))
            return manners.keeps
        case .events(let next):
            guard readers.take() else {
                return try await write(.tooManyReaders, to: head, manners, isWhole: isWhole, outbound)
            }
            defer { readers.giveBack() }
            manners.keeps = false
            try await outbound.write(.head(responseHead(reply, to: head, manners)))
            if head.method != .HEAD { try await events.withReader { try await write(eventsFrom: next, outbound) } }
            try await outbound.write(.end(nil))
            return false
        }
    }

    private func responseHead(
        _ reply: HTTPReply,
        to head: HTTPRequestHead,
        _ manners: RequestPolicy
    ) -> HTTPResponseHead {
        var headers = HTTPHeaders(reply.headers.map { ($0.name, $0.value) })
        headers.add(name: "Date", value: HTTPDate.text(.now))
        if !reply.type.isEmpty { headers.add(name: "Content-Type", value: reply.type) }
        headers.add(name: "Cache-Control", value: "no-store")
        if case .bytes(let bytes) = reply.content, reply.status != .noContent {
            headers.add(name: "Content-Length", value: String(bytes.count))
        }
        if let connection = manners.connection { headers.add(name: "Connection", value: connection) }
        return HTTPResponseHead(version: head.version, status: reply.status, headers: headers)
    }

    // MARK: Events

    /// How often a reader is told that the daemon is still there.
    private static let keepAlive = Duration.seconds(15)

    /// Writes events until the ring is closed or the task is cancelled; throws when the client is gone.
    private func write(
        eventsFrom first: Int,
        _ outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // Waits for the next event may be long, and nobody else notices that the client is gone.
                await waitUntilGone()
                try Task.checkCancellation()
                throw ChannelError.ioOnClosedChannel
            }
            group.addTask {
                var next = first
                var isBacklogTold = false
                while true {
                    let reading = events.read(from: next)
                    next = reading.next
                    var text = Self.missed(reading)
                    for record in reading.records { text += record.text(Self.text) }
                    if !isBacklogTold { text += ": end of backlog\n\n" }
                    isBacklogTold = true
                    if !text.isEmpty { try await outbound.write(.body(.byteBuffer(ByteBuffer(string: text)))) }
                    guard try await waitForEvent(next, outbound) else { return }
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Returns when the connection is closed, or the task is cancelled.
    private func waitUntilGone() async {
        let gone = channel.channel.eventLoop.makePromise(of: Void.self)
        channel.channel.closeFuture.whenComplete { _ in gone.succeed() }
        await withTaskCancellationHandler {
            try? await gone.futureResult.get()
        } onCancel: {
            gone.succeed()
        }
    }

    /// Whether there may be another event; says now and then that the daemon is still there.
    private func waitForEvent(
        _ next: Int,
        _ outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws -> Bool {
        while true {
            let isThere = await withTaskGroup(of: Bool?.self) { group in
                group.addTask { await events.wait(for: next) }
                group.addTask {
                    try? await pause(for: Self.keepAlive)
                    return nil
                }
                let first = await group.next() ?? nil
                group.cancelAll()
                return first
            }
            if let isThere { return isThere }
            if Task.isCancelled { return false }
            try await outbound.write(.body(.byteBuffer(ByteBuffer(string: ": still here\n\n"))))
        }
    }

    private static func missed(_ reading: EventRing.Reading) -> String {
        guard reading.missed > 0 || reading.isFromElsewhere else { return "" }
        var event = Event(time: reading.events.first?.time ?? .now, type: "events.missed")
        // So that a reader that comes back goes on behind the gap.
        event.id = (reading.events.first?.id ?? reading.next) - 1
        event.missed = Count(wrappedValue: reading.missed)
        if reading.isFromElsewhere { event.message = "the last event was another process's, some may be missing" }
        return text(event)
    }

    private static func text(_ event: Event) -> String {
        let json = (try? AdminJSON.encode(event)) ?? []
        return "id: \(event.id)\nevent: \(event.type)\ndata: \(String(decoding: json, as: UTF8.self))\n\n"
    }
}

/// The body of one request, as far as it may be long.
private struct RequestBody {
    /// How much more is read of a request that is too long, so that its sender gets to see the answer.
    private static let discarded = 1_024 * 1_024

    private var body: [UInt8] = []
    private var size: Int
    private var isWhole = false

    init(_ head: HTTPRequestHead) {
        size = head.headers.reduce(head.uri.utf8.count) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
    }

    /// Whether more of it is to be read.
    mutating func take(_ part: HTTPServerRequestPart) -> Bool {
        switch part {
        case .head: return true
        case .body(let buffer):
            size += buffer.readableBytes
            if size <= HTTPConnection.longestRequest { body += buffer.readableBytesView }
            return size <= HTTPConnection.longestRequest + Self.discarded
        case .end:
            isWhole = true
            return false
        }
    }

    /// Nil for a request that is too long, or that has not come to its end.
    var bytes: [UInt8]? { isWhole && size <= HTTPConnection.longestRequest ? body : nil }
}
