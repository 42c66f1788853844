// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import GuardedJSON
internal import Linux
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import RstreamModel

/// Calls the admin API over the daemon's admin socket, with a connection for each call.
///
/// This module is the contract of the admin API: the calls (``Route``), their answers, the OpenAPI document, and this
/// client. The daemon serves the same types; `rstreamctl` decides what to do with an answer.
package struct AdminClient: Sendable {
    /// How long a daemon may be silent.
    package struct Timeouts: Hashable, Sendable {
        /// It answers within milliseconds.
        package var answer = Duration.seconds(10)
        /// Loading a configuration may mean reading a thousand files.
        package var reload = Duration.seconds(60)
        /// Longer than the daemon waits for a new program to be ready, and to take over.
        package var upgrade = Duration.seconds(180)
        /// On a stream of events it sends something every 15 s.
        package var events = Duration.seconds(45)

        package init() {}
    }

    /// Between two attempts to connect while the daemon's queue of connections is full.
    private static let pause = Duration.milliseconds(10)

    private let socket: String
    private let group: any EventLoopGroup
    private let timeouts: Timeouts
    let longestReply: Int

    /// A client of the daemon that listens at `socket`. It connects at the first call. An answer of more bytes than
    /// `longestReply` is an error.
    package init(
        socket: String,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        timeouts: Timeouts = Timeouts(),
        longestReply: Int = AdminJSON.longestReply
    ) {
        self.socket = socket
        self.group = group
        self.timeouts = timeouts
        self.longestReply = longestReply
    }

    /// The body of a good answer, as the daemon wrote it.
    ///
    /// Any other answer is thrown as ``AdminClientError/problem(_:)``. A task that is cancelled gets
    /// ``AdminClientError/notReachable(socket:reason:)`` at once.
    package func call(_ route: Route, body: [UInt8]? = nil) async throws(AdminClientError) -> [UInt8] {
        let reply = try await exchange(route, body: body)
        guard reply.status < 300 else { throw await refusal(of: route, reply) }
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

    /// Reloads, or returns what a reload would do. A refused reload is an answer here; `json` is what the daemon wrote.
    package func reload(dryRun: Bool) async throws(AdminClientError) -> (reply: ReloadReply, json: [UInt8]) {
        let request = (try? AdminJSON.encode(ReloadRequest(dryRun: dryRun))) ?? []
        let reply = try await exchange(.reload, body: request)
        guard reply.status < 300 || reply.status == 422 else { throw await refusal(of: .reload, reply) }
        return (try decode(ReloadReply.self, reply.body), reply.body)
    }

    /// Lets the program at the daemon's path take over. A refusal is an answer here; `json` is what the daemon wrote.
    package func upgrade() async throws(AdminClientError) -> (reply: UpgradeReply, json: [UInt8]) {
        let reply = try await exchange(.upgrade, body: nil)
        guard reply.status < 300 || reply.status == 422 else { throw await refusal(of: .upgrade, reply) }
        return (try decode(UpgradeReply.self, reply.body), reply.body)
    }

    /// Calls `body` with each event and its JSON, from the one after `lastID` on, and `endOfBacklog` after the last
    /// event that the daemon had stored. Ends when one of them returns false, the daemon ends the stream, or the task
    /// is cancelled.
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
            var parts = inbound.makeAsyncIterator()
            try await readEvents(&parts, of: .events, endOfBacklog: endOfBacklog, body)
        }
    }

    /// Calls `body` with each request of an inspected tunnel that ends from now on, with its bodies, and its JSON; `begun`
    /// once the daemon captures them. Ends when the daemon ends the stream, or the task is cancelled.
    ///
    /// Throws ``AdminClientError``, and what the closures throw.
    package func capture(
        _ tunnel: String,
        begun: () async throws -> Void,
        _ body: (RequestStatus, String) async throws -> Void
    ) async throws {
        let route = Route.capture(tunnel: tunnel)
        try await withConnection(route, headers: HTTPHeaders(), body: nil) { inbound in
            var parts = inbound.makeAsyncIterator()
            try await readEvents(&parts, of: route) {
                try await begun()
                return true
            } _: { request, json in
                try await body(request, json)
                return true
            }
        }
    }

    /// Opens a tunnel by hand, calls `opened` with the daemon's answer, and then `body` with each event that the daemon
    /// holds and that happens, on the same connection: the tunnel lasts as long as that, unless the request says
    /// otherwise. Ends when `body` returns false, the daemon ends the stream, or the task is cancelled.
    ///
    /// Throws ``AdminClientError``, and what the closures throw.
    package func openTunnel(
        _ request: [UInt8],
        opened: (TunnelStatus, [UInt8]) async throws -> Void,
        _ body: (Event, String) async throws -> Bool
    ) async throws {
        try await own(.openTunnel, request: request, after: 0, taken: opened, body)
    }

    /// Claims a tunnel by hand after a take-over, calls `claimed` with the daemon's answer, and then `body` with each
    /// event after the one with the number `lastID`, on the same connection: as ``openTunnel(_:opened:_:)``.
    package func claimTunnel(
        _ name: String,
        after lastID: Int,
        claimed: (TunnelStatus, [UInt8]) async throws -> Void,
        _ body: (Event, String) async throws -> Bool
    ) async throws {
        try await own(.claimTunnel(name), request: nil, after: lastID, taken: claimed, body)
    }

    /// Calls `route`, which makes a tunnel belong to the connection, and follows the events on it.
    private func own(
        _ route: Route,
        request: [UInt8]?,
        after lastID: Int,
        taken: (TunnelStatus, [UInt8]) async throws -> Void,
        _ body: (Event, String) async throws -> Bool
    ) async throws {
        try Task.checkCancellation()
        var first: [HTTPClientRequestPart] = [.head(Self.head(route, body: request))]
        if let request { first.append(.body(.byteBuffer(ByteBuffer(bytes: request)))) }
        var head = Self.head(.events)
        head.headers.add(name: "Last-Event-ID", value: String(lastID))
        let connection = try await connect(timeouts(for: .events), sending: first + [.end(nil)])
        try await connection.executeThenClose { inbound, outbound in
            var parts = inbound.makeAsyncIterator()
            let reply = try await readReply(&parts)
            guard reply.status < 300 else { throw await refusal(of: route, reply) }
            try await taken(try decode(TunnelStatus.self, reply.body), reply.body)
            do {
                try await outbound.write(contentsOf: [.head(head), .end(nil)])
            } catch {
                throw broken(error, nil)
            }
            try await readEvents(&parts, of: .events, endOfBacklog: { true }, body)
        }
    }

    private typealias Parts = NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator

    private func readEvents<Value: Decodable>(
        _ parts: inout Parts,
        of route: Route,
        endOfBacklog: () async throws -> Bool,
        _ body: (Value, String) async throws -> Bool
    ) async throws {
        var lines = EventLines()
        var refusal: Reply?
        // As much of a stream as has come.
        var progress: (isBegun: Bool, bytes: Int) = (false, 0)
        while true {
            let part: HTTPClientResponsePart?
            do { part = try await parts.next(isolation: #isolation) } catch {
                if progress.isBegun { throw broken(error, Reply(status: 200, body: []), bytes: progress.bytes) }
                throw broken(error, refusal)
            }
            switch part {
            case .head(let head) where head.status.code == 200: progress.isBegun = true
            case .head(let head): refusal = Reply(status: head.status.code, body: [])
            case .body(let buffer):
                guard refusal == nil else {
                    try refusal?.append(buffer, limit: longestReply)
                    continue
                }
                progress.bytes += buffer.readableBytes
                for item in try lines.read(buffer) {
                    let goesOn =
                        switch item {
                        case .endOfBacklog: try await endOfBacklog()
                        case .event(let data): try await body(decode(Value.self, Array(data.utf8)), data)
                        }
                    guard goesOn else { return }
                }
            case .end, nil:
                if let refusal { throw await self.refusal(of: route, refusal) }
                return
            }
        }
    }

    /// The whole answer to the first request of a connection.
    private func readReply(_ parts: inout Parts) async throws -> Reply {
        var reply: Reply?
        do {
            while let part = try await parts.next(isolation: #isolation) {
                switch part {
                case .head(let head) where head.status.code < 200: break
                case .head(let head): reply = Reply(status: head.status.code, body: [])
                case .body(let buffer): try reply?.append(buffer, limit: longestReply)
                case .end: if let reply { return reply }
                }
            }
        } catch {
            throw broken(error, reply)
        }
        throw AdminClientError.notReachable(socket: socket, reason: "the connection ended before the answer did")
    }

    // MARK: One exchange

    private struct Reply {
        var status: UInt
        var body: [UInt8]

        mutating func append(_ buffer: ByteBuffer, limit: Int) throws(AdminClientError) {
            guard buffer.readableBytes <= limit - body.count else { throw .badReply("longer than \(limit) bytes") }
            body += buffer.readableBytesView
        }
    }

    private func exchange(_ route: Route, body: [UInt8]?) async throws(AdminClientError) -> Reply {
        var (reply, isWhole): (Reply?, Bool) = (nil, false)
        do {
            try await withConnection(route, headers: HTTPHeaders(), body: body) { inbound in
                for try await part in inbound {
                    switch part {
                    // Interim responses, which come before the answer.
                    case .head(let head) where head.status.code < 200: break
                    case .head(let head): reply = Reply(status: head.status.code, body: [])
                    case .body(let buffer): try reply?.append(buffer, limit: longestReply)
                    case .end:
                        isWhole = true
                        return
                    }
                }
            }
        } catch {
            // When the daemon closes right after its answer, closing this end may fail; the answer is complete.
            guard isWhole else { throw broken(error, reply) }
        }
        guard let reply else { throw .notReachable(socket: socket, reason: "no answer") }
        guard isWhole else { throw .cutShort(socket: socket, bytes: reply.body.count) }
        return reply
    }

    /// The error for an open connection that failed. `reply` is what had arrived by then.
    private func broken(_ error: any Error, _ reply: Reply?, bytes: Int? = nil) -> AdminClientError {
        if let error = error as? AdminClientError { return error }
        if let silence = error as? SilenceHandler.Silence { return .silent(socket: socket, after: silence.limit) }
        if error is CancellationError { return .notReachable(socket: socket, reason: "the call was given up") }
        if let reply { return .cutShort(socket: socket, bytes: bytes ?? reply.body.count) }
        switch error {
        case HTTPParserError.invalidEOFState:
            return .notReachable(socket: socket, reason: "the connection ended before the answer did")
        case is HTTPParserError: return .badReply("no HTTP")
        case let error as IOError:
            return .notReachable(socket: socket, reason: SystemError.reason(error.errnoCode))
        default: return .notReachable(socket: socket, reason: "the connection broke")
        }
    }

    private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    private func withConnection(
        _ route: Route,
        headers: HTTPHeaders,
        body: [UInt8]?,
        _ read: (NIOAsyncChannelInboundStream<HTTPClientResponsePart>) async throws -> Void
    ) async throws {
        // Connecting sends the request.
        try Task.checkCancellation()
        var head = Self.head(route, body: body)
        head.headers.add(contentsOf: headers)
        head.headers.add(name: "Connection", value: "close")
        var parts: [HTTPClientRequestPart] = [.head(head)]
        if let body { parts.append(.body(.byteBuffer(ByteBuffer(bytes: body)))) }
        let connection = try await connect(timeouts(for: route), sending: parts + [.end(nil)])
        // An answer that arrived counts even where writing the request failed, so write errors are not looked at.
        try await connection.executeThenClose { inbound, _ in try await read(inbound) }
    }

    /// The head of a request on a connection that stays open after it.
    private static func head(_ route: Route, body: [UInt8]? = nil) -> HTTPRequestHead {
        var headers = HTTPHeaders([("Host", "rstreamd")])
        if let body {
            headers.add(name: "Content-Type", value: "application/json")
            headers.add(name: "Content-Length", value: String(body.count))
        } else if route.changesSomething {
            headers.add(name: "Content-Length", value: "0")
        }
        let method = HTTPMethod(rawValue: route.method)
        return HTTPRequestHead(version: .http1_1, method: method, uri: route.path, headers: headers)
    }

    private func timeouts(for route: Route) -> SilenceHandler.Timeouts {
        switch route {
        case .reload: .init(first: timeouts.reload, next: timeouts.answer)
        case .upgrade: .init(first: timeouts.upgrade, next: timeouts.answer)
        case .events, .capture: .init(first: timeouts.answer, next: timeouts.events)
        default: .init(first: timeouts.answer, next: timeouts.answer)
        }
    }

    private func connect(
        _ timeouts: SilenceHandler.Timeouts,
        sending request: [HTTPClientRequestPart]
    ) async throws(AdminClientError) -> Connection {
        let deadline = ContinuousClock.now.advanced(by: timeouts.first)
        while true {
            do {
                return try await dial(timeouts, sending: request)
            } catch let error as IOError where error.errnoCode == EAGAIN {
                // As many connections wait for the daemon as may, and one that does not wait itself is refused at once:
                // many clients come at a time, or the daemon hangs.
                guard ContinuousClock.now < deadline else { throw .silent(socket: socket, after: timeouts.first) }
                do {
                    try await Task.sleep(for: Self.pause)
                } catch {
                    throw .notReachable(socket: socket, reason: "the call was cancelled")
                }
            } catch let error as IOError where error.errnoCode == EACCES || error.errnoCode == EPERM {
                throw .notPermitted(socket: socket)
            } catch let error as IOError where error.errnoCode == ENOENT || error.errnoCode == ECONNREFUSED {
                throw .absent(socket: socket, reason: SystemError.reason(error.errnoCode))
            } catch let error as IOError {
                throw .notReachable(socket: socket, reason: SystemError.reason(error.errnoCode))
            } catch SocketAddressError.unixDomainSocketPathTooLong {
                throw .notReachable(socket: socket, reason: "a socket's path has 107 bytes at most")
            } catch {
                // A cancelled task.
                throw .notReachable(socket: socket, reason: "no connection can be made to it")
            }
        }
    }

    private func dial(
        _ timeouts: SilenceHandler.Timeouts,
        sending request: [HTTPClientRequestPart]
    ) async throws -> Connection {
        try await ClientBootstrap(group: group).connect(unixDomainSocketPath: socket) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(SilenceHandler(timeouts))
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                try channel.pipeline.syncOperations.addHandler(RequestHandler(request))
                return try Connection(wrappingChannelSynchronously: channel)
            }
        }
    }

    /// Why the daemon refused a call. When it does not know the call, its version is asked for.
    private func refusal(of route: Route, _ reply: Reply) async -> AdminClientError {
        guard let problem = try? AdminJSON.decode(Problem.self, from: reply.body) else {
            return .badReply("status \(reply.status)")
        }
        guard problem.code == .unknownPath || problem.code == .methodNotAllowed else { return .problem(problem) }
        let call = "\(route.method) \(route.path)"
        guard route != .status, let status = try? await exchange(.status, body: nil), status.status < 300,
            let version = try? AdminJSON.decode(VersionOnly.self, from: status.body)
        else { return .unknownCall(call, version: nil) }
        return .unknownCall(call, version: version.daemon.version)
    }

    /// The part of the status that every version of the daemon has.
    private struct VersionOnly: Decodable {
        struct Facts: Decodable {
            let version: String
        }

        let daemon: Facts
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ body: [UInt8]) throws(AdminClientError) -> Value {
        do throws(GuardedJSON.Failure) {
            return try AdminJSON.decode(type, from: body)
        } catch {
            throw .badReply("\(error)")
        }
    }
}
