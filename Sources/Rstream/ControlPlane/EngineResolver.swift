internal import Logging
internal import NIOCore
internal import RstreamModel
internal import Synchronization

/// Resolves the engine of a client, again at every connect, so that a project may move.
///
/// The last good answer is used when the control plane cannot be reached, but not
/// when it refuses. The last answer is guarded by a mutex; whether the outage was logged is an atomic.
final class EngineResolver: Sendable {
    private struct Answer {
        let engine: ResolvedEngine
        let at: NIODeadline
    }

    private let location: EngineLocation
    private let controlPlane: ControlPlane
    private let logger: Logger
    private let last = Mutex<Answer?>(nil)
    /// An outage is logged when it begins and when it ends, however many requests there are meanwhile.
    private let isOut = Atomic(false)

    init(_ location: EngineLocation, controlPlane: ControlPlane, logger: Logger) {
        self.location = location
        self.controlPlane = controlPlane
        self.logger = logger
    }

    /// The address to dial. An answer that is not older than `age` is used without asking again.
    func resolve(token: Secret?, acceptingAge age: Duration = .zero) async throws(RstreamError) -> ResolvedEngine {
        let project: ManagedProject
        switch location {
        case .address(let address): return ResolvedEngine(address: address, project: address)
        case .project(let managed): project = managed
        }
        if let known = last.withLock({ $0 }), NIODeadline.now() - known.at < TimeAmount(age) { return known.engine }
        do throws(RstreamError) {
            let engine = try await controlPlane.engine(of: project, token: token)
            last.withLock { $0 = Answer(engine: engine, at: .now()) }
            if isOut.exchange(false, ordering: .relaxed) { logger.notice("control plane reachable again") }
            return engine
        } catch {
            guard error.retry == .afterBackoff, let known = last.withLock({ $0 }) else { throw error }
            if !isOut.exchange(true, ordering: .relaxed) {
                logger.notice(
                    "control plane unreachable, using last known engine",
                    metadata: [
                        "error": "\(error)", "error_code": "\(error.code)", "address": "\(known.engine.address)",
                    ]
                )
            }
            return known.engine
        }
    }
}
