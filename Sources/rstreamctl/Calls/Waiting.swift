// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamDaemonModel
internal import RstreamModel

/// Waits until everything, or one tunnel, is as wanted.
///
/// The daemon's events say when to look again, so nothing is polled while a daemon runs. A daemon that does not run
/// yet, and listeners, which have no events, are polled.
struct Waiting: Sendable {
    /// The result of one look.
    struct Finding: Hashable, Sendable {
        /// The daemon's answer.
        var json: [UInt8]
        /// What is not as wanted, a line each, with what to do; empty when nothing is.
        var missing: [String]
        /// Whether an event says when to look again.
        var isAnnounced: Bool

        init(_ status: DaemonStatus, json: [UInt8]) {
            let tunnels = status.tunnels.filter { !$0.state.isAsWanted }
            let listeners = status.listeners.filter { $0.state != .listening }
            self.json = json
            missing = tunnels.flatMap(Self.missing) + listeners.flatMap(Self.missing)
            isAnnounced = listeners.isEmpty
        }

        /// A tunnel that is waited for by name is to be used, so a disabled one is not as wanted.
        init(_ tunnel: TunnelStatus, json: [UInt8]) {
            self.json = json
            missing = tunnel.state == .online ? [] : Self.missing(tunnel)
            isAnnounced = true
        }

        private static func missing(_ tunnel: TunnelStatus) -> [String] {
            lines("tunnel \(tunnel.name) is \(tunnel.state.rawValue)", tunnel.lastError)
        }

        private static func missing(_ listener: ListenerStatus) -> [String] {
            lines("listener \(listener.name) is \(listener.state.rawValue)", listener.lastError)
        }

        private static func lines(_ what: String, _ error: ErrorReport?) -> [String] {
            guard let error else { return [what.printable] }
            return ["\(what): \(error.message)".printable] + (error.fix.map { ["fix: \($0)".printable] } ?? [])
        }
    }

    private static let pause = Duration.milliseconds(100)
    private static let listenerPause = Duration.milliseconds(500)
    /// What the first look may take, however short the timeout is: a daemon answers within milliseconds.
    private static let firstLook = Duration.seconds(1)

    private let calls: DaemonCalls
    private let tunnel: String?

    /// Waits for the tunnel of that name, or for everything.
    init(_ calls: DaemonCalls, tunnel: String?) {
        self.calls = calls
        self.tunnel = tunnel
    }

    /// Returns the daemon's answer once it is as wanted. Throws a ``Failure`` when it is not within `timeout`, and at
    /// once when waiting cannot help. It looks at least once.
    func run(timeout: Duration) async throws -> [UInt8] {
        let last = LastPoll()
        let found = try await withEnd {
            try await Task.sleep(for: timeout)
            _ = try await withTimeLimit(Self.firstLook - timeout) { await last.isThere() }
        } _: {
            try await wait(last)
        }
        if let found { return found.json }
        switch await last.result {
        case .success(let finding) where finding.missing.isEmpty: return finding.json
        case .success(let finding):
            throw Failure(.notAsWanted, messages: ["not as wanted within \(Took(timeout))"] + finding.missing)
        case .failure(let failure): throw failure
        case nil: throw Failure.silent(calls.socket, after: timeout)
        }
    }

    private func wait(_ last: LastPoll) async throws -> Finding {
        while true {
            do {
                return try await look(last)
            } catch let failure as Failure where failure.isPassing {
                // The error of a cancelled call says nothing about the daemon.
                try Task.checkCancellation()
                await last.set(failure)
                try await Task.sleep(for: Self.pause)
            }
        }
    }

    /// Looks at every event until it is as wanted. The events are opened first, so that none is missed.
    private func look(_ last: LastPoll) async throws -> Finding {
        try await withThrowingTaskGroup(of: Finding.self) { group in
            let (looks, wanted) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            group.addTask {
                _ = try await calls.events {
                    wanted.yield()
                    return true
                } _: { _, _ in
                    wanted.yield()
                    return true
                }
                throw Failure(.notReachable, "the daemon at \(calls.socket) has ended its events")
            }
            group.addTask {
                for await _ in looks {
                    let finding = try await find()
                    await last.set(finding)
                    if finding.missing.isEmpty { return finding }
                    if !finding.isAnnounced {
                        try await Task.sleep(for: Self.listenerPause)
                        wanted.yield()
                    }
                }
                throw CancellationError()
            }
            defer { group.cancelAll() }
            guard let finding = try await group.next() else { throw CancellationError() }
            return finding
        }
    }

    private func find() async throws -> Finding {
        guard let tunnel else {
            let answer = try await calls.ask(.status, as: DaemonStatus.self)
            return Finding(answer.value, json: answer.json)
        }
        let answer = try await calls.ask(.tunnel(tunnel), as: TunnelStatus.self)
        return Finding(answer.value, json: answer.json)
    }
}

/// The result of the last look, for the moment when the time is over.
private actor LastPoll {
    private(set) var result: Result<Waiting.Finding, Failure>? {
        didSet { finished.finish() }
    }
    private let looked: AsyncStream<Never>
    private let finished: AsyncStream<Never>.Continuation

    init() {
        (looked, finished) = AsyncStream.makeStream()
    }

    func set(_ finding: Waiting.Finding) { result = .success(finding) }

    func set(_ failure: Failure) {
        // A busy daemon is as it was at the look before.
        if case .success = result, failure.status != .notReachable { return }
        result = .failure(failure)
    }

    /// Returns after the first look.
    nonisolated func isThere() async {
        for await _ in looked {}
    }
}

/// A duration on a command line: a number and `ms`, `s`, `m` or `h`, as in the configuration (contract §3.1).
struct DurationText: Hashable, Sendable {
    let duration: Duration

    static func seconds(_ seconds: Int) -> Self { Self(duration: .seconds(seconds)) }

    private init(duration: Duration) { self.duration = duration }

    /// An argument is one word, so there is no white space in it.
    init?(_ text: String) {
        guard !text.contains(where: \.isWhitespace), let duration = Duration(configured: text),
            duration <= .longestConfigured
        else { return nil }
        self.init(duration: duration)
    }
}
