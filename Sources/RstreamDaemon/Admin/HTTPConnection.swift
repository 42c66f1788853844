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
                        keepsAlive: policy.keepsAlive,
                        readers: readers
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
        _ outbound: Outbound
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
            return try await stream(reply, to: head, policy, outbound) { try await write(eventsFrom: next, outbound) }
        case .requests(let log):
            return try await stream(reply, to: head, policy, outbound) { try await write(requestsOf: log, outbound) }
        case .socket(let pass):
            if let socket = await takeSocket() { await pass(socket) }
            return false
        }
    }

    /// Writes a reply that is as long as its reader stays, with `body`.
    private func stream(
        _ reply: HTTPReply,
        to head: HTTPRequestHead,
        _ policy: RequestPolicy,
        _ outbound: Outbound,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws -> Bool {
        defer { readers.release() }
        var policy = policy
        policy.keepsAlive = false
        try await outbound.write(.head(responseHead(reply, to: head, policy)))
        // The end of chunks would be a body.
        guard head.method != .HEAD else { return false }
        try await withReader(body)
        try await outbound.write(.end(nil))
        return false
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
