internal import Glibc
internal import GuardedJSON
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import RstreamModel

/// Asks a daemon over its admin socket. One connection for each call.
///
/// This room is the admin socket's contract: the calls (``Route``), what they are answered with, and this client of it.
/// The daemon serves the same types. What to do with an answer is left to `rstreamctl`.
package struct AdminClient: Sendable {
    private let socket: String
    private let group: any EventLoopGroup

    /// A client of the daemon that listens at `socket`. Nothing is connected before a call.
    package init(socket: String, group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton) {
        self.socket = socket
        self.group = group
    }

    /// The body of a good answer, as the daemon wrote it.
    ///
    /// Any other answer is thrown as ``AdminClientError/problem(_:)``. A task that is cancelled gets
    /// ``AdminClientError/notReachable(socket:reason:)`` at once.
    package func call(_ route: Route, body: [UInt8]? = nil) async throws(AdminClientError) -> [UInt8] {
        let reply = try await exchange(route, body: body)
        guard reply.status < 300 else { throw problem(reply) }
        return reply.body
    }

    /// A good answer, decoded.
    package func call<Value: Decodable & Sendable>(
        _ route: Route,
        body: [UInt8]? = nil,
        as type: Value.Type
    ) async throws(AdminClientError) -> Value {
        try decode(type, await call(route, body: body))
    }

    /// Reloads, or says what a reload would do. A refusal is an answer here; `json` is what the daemon wrote.
    package func reload(dryRun: Bool) async throws(AdminClientError) -> (reply: ReloadReply, json: [UInt8]) {
        let request = (try? AdminJSON.encode(ReloadRequest(dryRun: dryRun))) ?? []
        let reply = try await exchange(.reload, body: request)
        guard reply.status < 300 || reply.status == 422 else { throw problem(reply) }
        return (try decode(ReloadReply.self, reply.body), reply.body)
    }

    /// Calls `body` with each event and its JSON, from the one after `lastID` on, and `endOfBacklog` once the daemon has
    /// told all that it still held. Ends when one of them returns false, the daemon ends the stream, or the task is
    /// cancelled.
    ///
    /// Throws ``AdminClientError``, and what the closures throw.
    package func events(
        after lastID: Int? = nil,
        endOfBacklog: () async throws -> Bool = { true },
        _ body: (Event, String) async throws -> Bool
    ) async throws {
        var headers = HTTPHeaders()
        if let lastID { headers.add(name: "Last-Event-ID", value: String(lastID)) }
        try await withConnection(.events, headers: headers, body: nil) { inbound in
            var (parts, lines) = (inbound.makeAsyncIterator(), EventLines())
            var refusal: Reply?
            while true {
                let part: HTTPClientResponsePart?
                do { part = try await parts.next() } catch { throw broken(error) }
                switch part {
                case .head(let head) where head.status.code == 200: break
                case .head(let head): refusal = Reply(status: head.status.code, body: [])
                case .body(let buffer):
                    guard refusal == nil else {
                        try refusal?.append(buffer)
                        continue
                    }
                    for item in try lines.read(buffer) {
                        let goesOn =
                            switch item {
                            case .endOfBacklog: try await endOfBacklog()
                            case .event(let data): try await body(decode(Event.self, Array(data.utf8)), data)
                            }
                        guard goesOn else { return }
                    }
                case .end, nil:
                    if let refusal { throw problem(refusal) }
                    return
                }
            }
        }
    }

    // MARK: One exchange

    private struct Reply {
        var status: UInt
        var body: [UInt8]

        mutating func append(_ buffer: ByteBuffer) throws(AdminClientError) {
            body += buffer.readableBytesView
            guard body.count <= AdminJSON.longestReply else {
                throw .badReply("longer than \(AdminJSON.longestReply) bytes")
            }
        }
    }

    private func exchange(_ route: Route, body: [UInt8]?) async throws(AdminClientError) -> Reply {
        var (reply, isWhole): (Reply?, Bool) = (nil, false)
        do {
            try await withConnection(route, headers: HTTPHeaders(), body: body) { inbound in
                for try await part in inbound {
                    switch part {
                    case .head(let head): reply = Reply(status: head.status.code, body: [])
                    case .body(let buffer): try reply?.append(buffer)
                    case .end:
                        isWhole = true
                        return
                    }
                }
            }
        } catch {
            // A daemon that answers and hangs up at once may make the goodbye fail, which is no matter any more.
            guard isWhole else { throw broken(error) }
        }
        guard isWhole, let reply else { throw .notReachable(socket: socket, reason: "no answer") }
        return reply
    }

    /// What it means that a connection failed which was there.
    private func broken(_ error: any Error) -> AdminClientError {
        switch error {
        case let error as AdminClientError: error
        case HTTPParserError.invalidEOFState:
            .notReachable(socket: socket, reason: "the connection ended before the answer did")
        case is HTTPParserError: .badReply("no HTTP")
        case let error as IOError: .notReachable(socket: socket, reason: String(cString: strerror(error.errnoCode)))
        case is CancellationError: .notReachable(socket: socket, reason: "the call was given up")
        default: .notReachable(socket: socket, reason: "the connection broke")
        }
    }

    private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    private func withConnection(
        _ route: Route,
        headers: HTTPHeaders,
        body: [UInt8]?,
        _ read: (NIOAsyncChannelInboundStream<HTTPClientResponsePart>) async throws -> Void
    ) async throws {
        let connection = try await connect()
        var headers = headers
        headers.add(name: "Host", value: "rstreamd")
        headers.add(name: "Connection", value: "close")
        if let body {
            headers.add(name: "Content-Type", value: "application/json")
            headers.add(name: "Content-Length", value: String(body.count))
        } else if route.changesSomething {
            headers.add(name: "Content-Length", value: "0")
        }
        let head = HTTPRequestHead(
            version: .http1_1,
            method: HTTPMethod(rawValue: route.method),
            uri: route.path,
            headers: headers
        )
        try await connection.executeThenClose { inbound, outbound in
            // At once: a daemon that has read a request without a body answers and closes before its end is written.
            var parts: [HTTPClientRequestPart] = [.head(head)]
            if let body { parts.append(.body(.byteBuffer(ByteBuffer(bytes: body)))) }
            try await outbound.write(contentsOf: parts + [.end(nil)])
            try await read(inbound)
        }
    }

    private func connect() async throws(AdminClientError) -> Connection {
        do {
            return try await ClientBootstrap(group: group).connect(unixDomainSocketPath: socket) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    return try Connection(wrappingChannelSynchronously: channel)
                }
            }
        } catch let error as IOError where error.errnoCode == EACCES || error.errnoCode == EPERM {
            throw .notPermitted(socket: socket)
        } catch let error as IOError {
            throw .notReachable(socket: socket, reason: String(cString: strerror(error.errnoCode)))
        } catch {
            // A path that no address has room for, or a task that was cancelled.
            throw .notReachable(socket: socket, reason: "no connection can be made to it")
        }
    }

    private func problem(_ reply: Reply) -> AdminClientError {
        if let problem = try? AdminJSON.decode(Problem.self, from: reply.body) { return .problem(problem) }
        return .badReply("status \(reply.status)")
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ body: [UInt8]) throws(AdminClientError) -> Value {
        do throws(GuardedJSON.Failure) {
            return try AdminJSON.decode(type, from: body)
        } catch {
            throw .badReply("\(error)")
        }
    }
}
