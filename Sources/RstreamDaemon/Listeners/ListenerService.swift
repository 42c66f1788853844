// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamCore
internal import RstreamModel
internal import RstreamRelay
internal import Synchronization

/// Runs one listener: retries an address that is in use or a socket that cannot be created (contract §3.4), and reopens
/// a socket that was closed.
///
/// The loop ends with ``stop()``. Each mutex guards its own member.
final class ListenerService: Sendable {
    let listener: DialListener
    private let policy: Lock<ReconnectPolicy>
    private let group: any EventLoopGroup
    private let pauseState = Lock(PauseState.none)
    /// What a predecessor has handed over, or may hand over yet.
    private let inheritance: SocketInheritance?

    private enum PauseState {
        case none
        case until(Scheduled<Void>)
        case stopped
    }

    init(
        _ listener: DialListener,
        policy: ReconnectPolicy,
        inheritance: SocketInheritance? = nil,
        group: any EventLoopGroup
    ) {
        self.inheritance = inheritance
        self.listener = listener
        self.policy = Lock(policy)
        self.group = group
    }

    /// Listens until it is stopped.
    func run() async {
        // The address is the predecessor's until then.
        guard await inheritance?.waitUntilOurs() != false else { return }
        while await listen() {
            await listener.waitUntilClosed()
            guard !isStopped else { return }
            // accept(2) reports some network errors, for example of a packet filter, and NIO closes the socket at some
            // of them. The pause keeps a socket that is lost again and again from using a core.
            let wait = policy.withLock(\.minimum)
            listener.logger.warning(
                "listening socket closed",
                metadata: [LogKey.address: "\(listener.address)", LogKey.retryIn: .stringConvertible(wait)]
            )
            guard await pause(for: wait) else { return }
        }
    }

    /// Applies to the next pause.
    func policyChanged(_ policy: ReconnectPolicy) {
        self.policy.withLock { $0 = policy }
    }

    /// Retries until it listens. Returns false if it was stopped before.
    private func listen() async -> Bool {
        var policy = policy.withLock { $0 }
        var backoff = Backoff(minimum: policy.minimum, maximum: policy.maximum)
        var random = SystemRandomNumberGenerator()
        var isLogged = false
        while true {
            let failure: RstreamError
            do throws(RstreamError) {
                try await listener.start(
                    on: group,
                    inherited: await inheritance?.take(.listener, listener.address.description)
                )
                listener.ledger.failed(nil)
                return true
            } catch {
                // The stop caused the error.
                guard !isStopped else { return false }
                failure = error
            }
            let current = self.policy.withLock { $0 }
            if current != policy {
                policy = current
                backoff = Backoff(minimum: policy.minimum, maximum: policy.maximum)
            }
            let wait = backoff.next(using: &random)
            if !isLogged {
                listener.logger.warning("listen failed, retrying", metadata: .facts(of: failure, retryIn: wait))
            }
            isLogged = true
            listener.ledger.failed(failure)
            guard await pause(for: wait) else { return false }
        }
    }

    private var isStopped: Bool {
        pauseState.withLock { state in
            if case .stopped = state { true } else { false }
        }
    }

    /// Stops accepting connections; open ones go on.
    func stop() async {
        let before = pauseState.withLock { state in
            defer { state = .stopped }
            return state
        }
        if case .until(let timer) = before { timer.cancel() }
        await listener.stop()
    }

    /// Leaves the sockets to a process that has copies; open streams go on.
    func handOver() async {
        let before = pauseState.withLock { state in
            defer { state = .stopped }
            return state
        }
        if case .until(let timer) = before { timer.cancel() }
        await listener.handOver()
    }

    /// Returns whether the pause ended by itself, and not by ``stop()``.
    private func pause(for duration: Duration) async -> Bool {
        let timer: Scheduled<Void>? = pauseState.withLock { state in
            if case .stopped = state { return nil }
            let timer = group.any().scheduleTask(in: TimeAmount(duration)) {}
            state = .until(timer)
            return timer
        }
        // A timer that was cancelled fails.
        return (try? await timer?.futureResult.get()) != nil
    }
}
