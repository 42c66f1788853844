// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import RstreamAdmin
internal import RstreamModel

/// The daemon as the commands see it: calls with a time limit, and failures with an exit status.
struct DaemonCalls: Sendable {
    /// A daemon answers within milliseconds; one that has not answered by then hangs.
    static let timeout = Duration.seconds(10)
    /// Loading a configuration may mean reading a thousand files.
    static let reloadTimeout = Duration.seconds(60)
    static let upgradeTimeout = AdminClient.Timeouts().upgrade

    /// An answer, and the bytes that the daemon wrote.
    struct Answer<Value: Sendable>: Sendable {
        let value: Value
        let json: [UInt8]
    }

    let socket: String
    private let client: AdminClient

    init(socket: String, group: any EventLoopGroup) {
        self.socket = socket
        client = AdminClient(socket: socket, group: group)
    }

    /// The body of a successful answer.
    @discardableResult
    func bytes(_ route: Route, body: [UInt8]? = nil) async throws -> [UInt8] {
        try await inTime { try await client.call(route, body: body) }
    }

    /// A successful answer, decoded.
    func ask<Value: Decodable & Sendable>(
        _ route: Route,
        body: [UInt8]? = nil,
        as type: Value.Type
    ) async throws -> Answer<Value> {
        let json = try await bytes(route, body: body)
        do {
            return Answer(value: try AdminJSON.decode(type, from: json), json: json)
        } catch {
            var failure = Failure(.failed, "the daemon's answer cannot be read: \(error)")
            failure.answer = json
            throw failure
        }
    }

    /// Reloads, or returns what a reload would do. A first quick call finds a daemon that hangs, which then is not
    /// waited for as long as one that is loading.
    func reload(dryRun: Bool) async throws -> Answer<ReloadReply> {
        try await findHanging()
        let (reply, json) = try await inTime(Self.reloadTimeout) { try await client.reload(dryRun: dryRun) }
        return Answer(value: reply, json: json)
    }

    /// Lets the program at the daemon's path take over.
    func upgrade() async throws -> Answer<UpgradeReply> {
        try await findHanging()
        let (reply, json) = try await inTime(Self.upgradeTimeout) { try await client.upgrade() }
        return Answer(value: reply, json: json)
    }

    private func findHanging() async throws {
        do {
            _ = try await inTime { try await client.call(.live) }
        } catch let failure as Failure where failure.status == .failed {
            // It answered, so it does not hang, whatever its health.
        }
    }

    /// The events after the one with the number `lastID`, until a closure returns false.
    ///
    /// Returns true when a closure ended it, and false when the daemon did.
    func events(
        after lastID: Int? = nil,
        endOfBacklog: () async throws -> Bool = { true },
        _ body: (Event, String) async throws -> Bool
    ) async throws -> Bool {
        var isEnded = false
        let isOver = try await follow {
            try await client.events(after: lastID) {
                isEnded = try await !endOfBacklog()
                return !isEnded
            } _: { event, json in
                isEnded = try await !body(event, json)
                return !isEnded
            }
        }
        return isOver && isEnded
    }

    /// The requests of an inspected tunnel that end from now on, with their bodies, until the daemon ends that.
    func capture(
        _ tunnel: String,
        begun: () async throws -> Void,
        _ body: (RequestStatus, String) async throws -> Void
    ) async throws {
        _ = try await follow { try await client.capture(tunnel, begun: begun, body) }
    }

    /// Opens a tunnel by hand and follows the events until `body` returns false, as
    /// ``AdminClient/openTunnel(_:opened:_:)`` says. Returns true when `body` ended it, and false when the daemon did.
    func openTunnel(
        _ request: [UInt8],
        opened: (TunnelStatus) async throws -> Void,
        _ body: (Event, String) async throws -> Bool
    ) async throws -> Bool {
        var isEnded = false
        let isOver = try await follow {
            try await client.openTunnel(request) { tunnel, _ in
                try await opened(tunnel)
            } _: { event, json in
                isEnded = try await !body(event, json)
                return !isEnded
            }
        }
        return isOver && isEnded
    }

    /// Claims a tunnel by hand after a take-over and follows the events, as
    /// ``AdminClient/claimTunnel(_:after:claimed:_:)`` says. Returns what ``openTunnel(_:opened:_:)`` does, and nil when
    /// the daemon has no such tunnel.
    func claimTunnel(
        _ name: String,
        after lastID: Int,
        claimed: () async throws -> Void,
        _ body: (Event, String) async throws -> Bool
    ) async throws -> Bool? {
        var (isEnded, isUnknown) = (false, false)
        let isOver = try await follow {
            do {
                try await client.claimTunnel(name, after: lastID) { _, _ in
                    try await claimed()
                } _: { event, json in
                    isEnded = try await !body(event, json)
                    return !isEnded
                }
            } catch AdminClientError.problem(let problem) where problem.code == .notFound {
                isUnknown = true
            } catch AdminClientError.unknownCall {
                // An older daemon, which ends tunnels by hand.
                isUnknown = true
            }
        }
        return isUnknown ? nil : isOver && isEnded
    }

    /// Waits for a call that follows events. Returns false when the daemon ended it: events have no end, so one that stops
    /// always leaves in the middle.
    private func follow(_ call: () async throws -> Void) async throws -> Bool {
        do {
            try await call()
        } catch let error as AdminClientError {
            try Task.checkCancellation()
            if case .cutShort = error { return false }
            throw Failure(error)
        }
        try Task.checkCancellation()
        return true
    }

    private func inTime<Value: Sendable>(
        _ limit: Duration = Self.timeout,
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        do {
            guard let value = try await withTimeLimit(limit, body) else { throw Failure.silent(socket, after: limit) }
            return value
        } catch let error as AdminClientError {
            // The error of a cancelled call says nothing about the daemon.
            try Task.checkCancellation()
            throw Failure(error)
        }
    }
}

/// What `body` returns, or nil when it has not returned within `limit` and was cancelled.
func withTimeLimit<Value: Sendable>(
    _ limit: Duration,
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value? {
    try await withEnd({ try await Task.sleep(for: limit) }, body)
}

/// What `body` returns, or nil when `end` has returned before and it was cancelled.
func withEnd<Value: Sendable>(
    _ end: @escaping @Sendable () async throws -> Void,
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value? {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await end()
            return nil
        }
        defer { group.cancelAll() }
        return try await group.next() ?? nil
    }
}
