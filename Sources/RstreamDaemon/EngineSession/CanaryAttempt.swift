// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Rstream
internal import RstreamCore
internal import RstreamModel

/// One attempt of a session's canary: opens the tunnel unless it is open, and sends a stream through the engine to it.
struct CanaryAttempt: Sendable {
    private enum Part: Sendable {
        case ended(CanaryOutcome)
        case limit
    }

    let channel: RstreamControlChannel
    let client: RstreamClient
    /// The tunnel, if it is open already.
    let tunnel: CanaryTunnel?
    /// Ends the attempt early, by ``CancellablePause/stop()``.
    let limit: CancellablePause

    /// `opened` gets a tunnel that was opened, and sees to it that it is served.
    func run(_ opened: @escaping @Sendable (CanaryTunnel) -> Void) async -> CanaryOutcome {
        let timeout = CanaryStateMachine.timeout
        return await withTaskGroup(of: Part.self) { group in
            group.addTask {
                _ = await limit.pause(for: timeout)
                return .limit
            }
            group.addTask { .ended(await attempt(opened)) }
            let first = await group.next()
            limit.stop()
            group.cancelAll()
            return if case .ended(let outcome) = first { outcome } else { .failed(.timedOut(after: timeout)) }
        }
    }

    private func attempt(_ opened: (CanaryTunnel) -> Void) async -> CanaryOutcome {
        let start = ContinuousClock.now
        do throws(CanaryFailure) {
            let tunnel = try await openTunnel(opened)
            let end = try await tunnel.pass(by: client)
            return .passed(start.duration(to: end))
        } catch {
            return .failed(error)
        }
    }

    private func openTunnel(_ opened: (CanaryTunnel) -> Void) async throws(CanaryFailure) -> CanaryTunnel {
        if let tunnel { return tunnel }
        let tunnel: CanaryTunnel
        do throws(RstreamError) {
            tunnel = try await CanaryTunnel(on: channel)
        } catch {
            throw CanaryFailure(error)
        }
        opened(tunnel)
        return tunnel
    }
}
