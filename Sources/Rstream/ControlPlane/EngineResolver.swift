// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import NIOCore
internal import RstreamModel
internal import Synchronization

/// Finds the engine of an ``RstreamClient``. It asks the control plane at every connect, since a project may move.
///
/// The last answer is used while the control plane cannot be reached, but not if the control plane rejects the query.
/// That answer is guarded by a mutex, and whether an outage was logged is an atomic.
final class EngineResolver: Sendable {
    private struct Answer {
        let engine: ResolvedEngine
        let at: NIODeadline
    }

    private let location: EngineLocation
    private let controlPlane: ControlPlane
    private let logger: Logger
    private let last = Lock<Answer?>(nil)
    /// An outage is logged once when it begins and once when it ends.
    private let isOut = Atomic(false)

    init(_ location: EngineLocation, controlPlane: ControlPlane, logger: Logger) {
        self.location = location
        self.controlPlane = controlPlane
        self.logger = logger
    }

    /// The engine to dial. An answer younger than `age` is used without asking again.
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
