// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Rstream
internal import RstreamAdmin
internal import RstreamDaemonModel
internal import RstreamModel

/// A call of the admin API that waits for the request loop, with the continuation of its caller.
///
/// Each continuation is resumed exactly once: by the request loop, or by ``refuse()`` when the loop has ended.
enum OperatorRequest: Sendable {
    typealias Reply<Value: Sendable> = CheckedContinuation<Value, any Error>

    case reload(dryRun: Bool, Reply<ReloadOutcome>)
    case change(TunnelChangeOrder, Reply<[StreamOutlook]>)
    case reconnect(context: String, Reply<Int>)
    /// The sessions of a context.
    case sessions(context: String, Reply<[EngineSession]>)
    case configuration(Reply<ConfigurationDocument>)
    case open(TunnelRequest, Reply<TunnelOpening>)
    case close(tunnel: String, Reply<TunnelClosing>)
    case claim(TunnelClaim, Reply<TunnelClaiming>)
    case tunnelFile(String, Reply<String?>)
    /// The client of a context, or of the context of tunnels that name none.
    case dialer(context: String?, Reply<RstreamClient?>)
    case upgrade(Reply<UpgradeReply>)

    /// Whether it changes what runs.
    var changesSomething: Bool {
        switch self {
        case .reload(let dryRun, _): !dryRun
        case .change, .reconnect, .open, .close, .claim, .upgrade: true
        case .sessions, .configuration, .tunnelFile, .dialer: false
        }
    }

    /// Fails the call, by default because the daemon is stopping.
    func refuse(_ problem: Problem = Problem(.stopping, "the daemon is stopping")) {
        switch self {
        case .reload(_, let reply): reply.resume(throwing: problem)
        case .change(_, let reply): reply.resume(throwing: problem)
        case .reconnect(_, let reply): reply.resume(throwing: problem)
        case .sessions(_, let reply): reply.resume(throwing: problem)
        case .configuration(let reply): reply.resume(throwing: problem)
        case .open(_, let reply): reply.resume(throwing: problem)
        case .close(_, let reply): reply.resume(throwing: problem)
        case .claim(_, let reply): reply.resume(throwing: problem)
        case .tunnelFile(_, let reply): reply.resume(throwing: problem)
        case .dialer(_, let reply): reply.resume(throwing: problem)
        case .upgrade(let reply): reply.resume(throwing: problem)
        }
    }
}

/// What an operator wants of one tunnel, or of all that the files enable.
struct TunnelChangeOrder: Hashable, Sendable {
    /// Nil for all.
    var tunnel: String?
    var change: Route.TunnelChange
    /// Whether it outlives reloads and restarts.
    var untilEnabled = false
}

/// What happens to a tunnel's open streams when an operator changes it.
struct StreamOutlook: Hashable, Sendable {
    let tunnel: String
    /// What ends the change, unless an operator does; nil when nothing does.
    let until: TunnelStatus.DisabledUntil?
    let streams: Int
    let disposition: StreamDisposition
    /// When the remaining streams are cut.
    let cutAt: UTCTime?
}

extension Daemon: DaemonControl {
    func reload(dryRun: Bool) async throws(Problem) -> ReloadOutcome {
        try await submit { .reload(dryRun: dryRun, $0) }
    }

    func change(_ order: TunnelChangeOrder) async throws(Problem) -> [StreamOutlook] {
        let outlooks = try await submit { .change(order, $0) }
        guard order.untilEnabled || order.change == .enable else { return outlooks }
        // What an operator is told has to be true also for the next process.
        let failure = await state.disabled.waitUntilWritten(within: StateDirectory.timeout)
        if order.untilEnabled, let reason = failure {
            throw Problem(.internalError, "it is done, but could not be stored and ends with the daemon: \(reason)")
        }
        return outlooks
    }

    func reconnect(_ context: String) async throws(Problem) -> Int {
        try await submit { .reconnect(context: context, $0) }
    }

    func tryCanary(_ context: String) async throws(Problem) -> [CanaryReport] {
        // Not in the request loop, which goes on meanwhile.
        let sessions = try await submit { .sessions(context: context, $0) }
        return await withTaskGroup(of: (Int, CanaryReport).self) { group in
            for (place, session) in sessions.enumerated() {
                group.addTask { (place, CanaryReport(session, await session.canaryOutcome())) }
            }
            return await group.reduce(into: [(Int, CanaryReport)]()) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    func configuration() async throws(Problem) -> ConfigurationDocument {
        try await submit { .configuration($0) }
    }

    func open(_ request: TunnelRequest) async throws(Problem) -> TunnelOpening {
        try await submit { .open(request, $0) }
    }

    func close(_ tunnel: String) async throws(Problem) -> TunnelClosing {
        try await submit { .close(tunnel: tunnel, $0) }
    }

    func claim(_ claim: TunnelClaim) async throws(Problem) -> TunnelClaiming {
        try await submit { .claim(claim, $0) }
    }

    func tunnelFile(_ tunnel: String) async throws(Problem) -> String? {
        try await submit { .tunnelFile(tunnel, $0) }
    }

    func dialer(_ context: String?) async throws(Problem) -> RstreamClient? {
        try await submit { .dialer(context: context, $0) }
    }

    func connectionEnded(_ connection: ClientConnection) { send.yield(.connectionEnded(connection)) }

    func upgrade() async throws(Problem) -> UpgradeReply {
        try await submit { .upgrade($0) }
    }

    var stalls: [String] { stallDetector.stalls(after: StallDetector.defaultTimeout) }

    private func submit<Value: Sendable>(
        _ request: (OperatorRequest.Reply<Value>) -> OperatorRequest
    ) async throws(Problem) -> Value {
        do {
            return try await withCheckedThrowingContinuation { reply in
                let request = request(reply)
                if case .terminated = send.yield(.operatorRequest(request)) { request.refuse() }
            }
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(.internalError, "the call was aborted")
        }
    }
}
