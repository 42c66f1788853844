// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamDaemonModel
internal import RstreamModel

/// A call of the admin API that waits for the request loop, with the continuation of its caller.
///
/// Each continuation is resumed exactly once: by the request loop, or by ``refuse()`` when the loop has ended.
enum OperatorRequest: Sendable {
    typealias Reply<Value: Sendable> = CheckedContinuation<Value, any Error>

    case reload(dryRun: Bool, Reply<ReloadOutcome>)
    case change(tunnel: String, Route.TunnelChange, Reply<StreamOutlook?>)
    case reconnect(context: String, Reply<Int>)
    case configuration(Reply<ConfigurationDocument>)

    /// Fails the call because the daemon is stopping.
    func refuse() {
        let problem = Problem(.stopping, "the daemon is stopping")
        switch self {
        case .reload(_, let reply): reply.resume(throwing: problem)
        case .change(_, _, let reply): reply.resume(throwing: problem)
        case .reconnect(_, let reply): reply.resume(throwing: problem)
        case .configuration(let reply): reply.resume(throwing: problem)
        }
    }
}

/// What happens to a tunnel's open streams when an operator changes it.
struct StreamOutlook: Hashable, Sendable {
    let streams: Int
    let disposition: StreamDisposition
    /// When the remaining streams are cut.
    let cutAt: UTCTime?
}

extension Daemon: DaemonControl {
    func reload(dryRun: Bool) async throws(Problem) -> ReloadOutcome {
        try await submit { .reload(dryRun: dryRun, $0) }
    }

    func change(_ tunnel: String, _ change: Route.TunnelChange) async throws(Problem) -> StreamOutlook? {
        try await submit { .change(tunnel: tunnel, change, $0) }
    }

    func reconnect(_ context: String) async throws(Problem) -> Int {
        try await submit { .reconnect(context: context, $0) }
    }

    func configuration() async throws(Problem) -> ConfigurationDocument {
        try await submit { .configuration($0) }
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
