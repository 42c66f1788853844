// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamTestSupport

@testable import Rstream

/// The timers of a session, which go off when the test wants it.
final class ManualTimers: Sendable {
    struct Timer: Sendable {
        let id: Int
        let duration: Duration
        let body: @Sendable () -> Void
    }

    /// How many were ever set.
    let count = Observed(0)
    private let pending = Observed<[Timer]>([])

    var timers: SessionTimers {
        SessionTimers { [self] duration, body in
            count.change { $0 += 1 }
            let id = count.value
            pending.change { $0.append(Timer(id: id, duration: duration, body: body)) }
            return { self.pending.change { $0.removeAll { $0.id == id } } }
        }
    }

    /// Lets the first timer of at most `limit` go off, and returns how long it would have taken.
    @discardableResult
    func fire(upTo limit: Duration = .seconds(3_600)) async throws -> Duration {
        let timers = try await pending.wait(for: "a timer") { timers in timers.contains { $0.duration <= limit } }
        guard let timer = timers.first(where: { $0.duration <= limit }) else { return .zero }
        pending.change { $0.removeAll { $0.id == timer.id } }
        timer.body()
        return timer.duration
    }
}
