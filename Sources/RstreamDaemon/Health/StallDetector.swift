// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import Logging
internal import NIOCore
internal import RstreamCore
internal import RstreamModel
internal import Synchronization
internal import Systemd

/// Detects event loops and the daemon's request loop that no longer run, for systemd's watchdog, the log and
/// `/v1/health/live`. Networks and engines have no influence on the result.
///
/// Each component gets a probe, which it answers when it runs. The state is guarded by a mutex. Nothing waits
/// for an answer, so a component that never answers blocks nothing.
final class StallDetector: Sendable {
    private enum Component: Hashable, Comparable {
        case eventLoop(Int)
        case requestLoop

        var name: String {
            switch self {
            case .eventLoop(let number): "event loop \(number)"
            case .requestLoop: "request loop"
            }
        }
    }

    typealias Answer = @Sendable () -> Void

    /// How long an answer may take where systemd sets no watchdog timeout.
    static let defaultTimeout = Duration.seconds(10)

    private struct State {
        /// When each unanswered probe was sent.
        var pending: [Component: ContinuousClock.Instant] = [:]
        /// Whether the request loop waits for a disk, and is not expected to answer.
        var isRequestLoopSuspended = false
    }

    private let loops: [any EventLoop]
    private let probeRequestLoop: @Sendable (@escaping Answer) -> Void
    private let state = Lock(State())
    private let stop = StopSignal()

    /// `probeRequestLoop` has to call its argument once the request loop has taken a request.
    init(_ group: any EventLoopGroup, probeRequestLoop: @escaping @Sendable (@escaping Answer) -> Void) {
        loops = Array(group.makeIterator())
        self.probeRequestLoop = probeRequestLoop
    }

    /// Sends a probe to each component that has none unanswered.
    func probe(at now: ContinuousClock.Instant = .now) {
        let components = loops.indices.map { Component.eventLoop($0) } + [.requestLoop]
        let idle = state.withLock { state in
            let idle = components.filter { state.pending[$0] == nil }
            for component in idle { state.pending[component] = now }
            return idle
        }
        for component in idle {
            let answer: Answer = { [self] in state.withLock { $0.pending[component] = nil } }
            switch component {
            case .eventLoop(let number): loops[number].execute(answer)
            case .requestLoop: probeRequestLoop(answer)
            }
        }
    }

    /// Runs `body` on a thread that may wait for a disk, for the request loop, which is not expected to answer meanwhile.
    /// Returns nil when the daemon is to stop, which does not wait for `body`.
    func wait<Value: Sendable>(
        for thread: BlockingThreads,
        _ body: @escaping @Sendable () -> Value
    ) async -> Value? {
        state.withLock { $0.isRequestLoopSuspended = true }
        defer {
            state.withLock { state in
                // A probe that was sent meanwhile counts from now.
                if state.pending[.requestLoop] != nil { state.pending[.requestLoop] = .now }
                state.isRequestLoopSuspended = false
            }
        }
        return await thread.run(until: stop, body)
    }

    /// The daemon is to stop: ``wait(for:_:)`` waits no longer.
    func endWaits() { stop.give() }

    /// One sentence for each component that has not answered for `timeout`.
    func stalls(after timeout: Duration, at now: ContinuousClock.Instant = .now) -> [String] {
        stalled(for: timeout, at: now).map { "\($0.name) has not answered for \(timeout.secondsText)" }
    }

    private func stalled(for timeout: Duration, at now: ContinuousClock.Instant) -> [Component] {
        state.withLock { state in
            state.pending.filter { component, sent in
                sent.duration(to: now) >= timeout && !(state.isRequestLoopSuspended && component == .requestLoop)
            }
        }.keys.sorted()
    }

    /// Probes until the task is cancelled, and notifies systemd's watchdog each time that all components have answered.
    /// Logs a component that is silent for half of the watchdog timeout: once systemd has acted, the log is all that is
    /// left. A process that does not speak for the service has no watchdog, and ends itself.
    func watch(_ notifier: ServiceNotifier, watchdog: Duration?, logger: Logger) async {
        let timeout = watchdog ?? Self.defaultTimeout
        // One late answer must not exceed the timeout.
        let interval = timeout / 4
        var logged: Set<Component> = []
        let timer = ThreadTimer()
        repeat {
            probe()
            guard (try? await timer.wait(for: interval)) != nil else { return }
            let now = ContinuousClock.now
            let stalled = stalled(for: timeout / 2, at: now)
            for component in stalled where !logged.contains(component) {
                logger.critical("daemon stalled", metadata: ["part": "\(component.name)"])
            }
            logged = Set(stalled)
            if notifier.isSilent, !self.stalled(for: timeout, at: now).isEmpty { _exit(70) }
            // Every probe of this round, and those before it, is answered.
            if watchdog != nil, self.stalled(for: interval, at: now).isEmpty { notifier.alive() }
        } while !Task.isCancelled
    }
}
