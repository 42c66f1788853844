internal import RstreamAdmin
internal import RstreamDaemonModel
internal import RstreamModel

/// What an operator asks for and what has to wait for its turn, with the one who waits for the answer.
///
/// Each continuation is resumed exactly once: by the daemon's task, or by ``stopping()`` when that is over.
enum OperatorRequest: Sendable {
    typealias Reply<Value: Sendable> = CheckedContinuation<Value, any Error>

    case reload(dryRun: Bool, Reply<ReloadOutcome>)
    case change(tunnel: String, Route.TunnelChange, Reply<StreamProspect?>)
    case reconnect(context: String, Reply<Int>)
    case configuration(Reply<ConfigurationDocument>)

    /// Nobody takes requests any more.
    func stopping() {
        let problem = Problem(.stopping, "the daemon is stopping")
        switch self {
        case .reload(_, let reply): reply.resume(throwing: problem)
        case .change(_, _, let reply): reply.resume(throwing: problem)
        case .reconnect(_, let reply): reply.resume(throwing: problem)
        case .configuration(let reply): reply.resume(throwing: problem)
        }
    }
}

/// What becomes of a tunnel's streams that are open when an operator changes it.
struct StreamProspect: Hashable, Sendable {
    let streams: Int
    let disposition: StreamDisposition
    /// When those are cut that have not ended by then.
    let cutAt: UTCTime?
}

extension Daemon: DaemonControl {
    func reload(dryRun: Bool) async throws(Problem) -> ReloadOutcome {
        try await ask { .reload(dryRun: dryRun, $0) }
    }

    func change(_ tunnel: String, _ change: Route.TunnelChange) async throws(Problem) -> StreamProspect? {
        try await ask { .change(tunnel: tunnel, change, $0) }
    }

    func reconnect(_ context: String) async throws(Problem) -> Int {
        try await ask { .reconnect(context: context, $0) }
    }

    func configuration() async throws(Problem) -> ConfigurationDocument {
        try await ask { .configuration($0) }
    }

    var ailments: [String] { stallDetector.ailments(after: StallDetector.patience) }

    private func ask<Value: Sendable>(
        _ request: (OperatorRequest.Reply<Value>) -> OperatorRequest
    ) async throws(Problem) -> Value {
        do {
            return try await withCheckedThrowingContinuation { reply in
                let request = request(reply)
                if case .terminated = send.yield(.asked(request)) { request.stopping() }
            }
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(.internalError, "the call was given up")
        }
    }
}
