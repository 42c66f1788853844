// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamTestSupport

/// Many daemons that lose one engine at the same moment, each with a ``SessionStateMachine`` of its own, on a virtual
/// clock that begins with the loss.
///
/// A daemon's attempts depend on the engine and on its own random numbers only, so the daemons are run one after the
/// other, each from the loss until it is back for good, and their attempts are counted by the second. An attempt takes no
/// time: that is what an engine gets at once when nothing on the way spreads it further.
struct Fleet {
    /// What an attempt finds.
    enum Answer {
        case unreachable
        /// The session is online, and loses its channel then; nil for not any more. `serves` is false for an engine that
        /// dies before it has granted a tunnel.
        case accepted(until: Duration?, serves: Bool)
    }

    /// What the engine does at some time of the virtual clock.
    typealias Engine = @Sendable (Duration, inout SplitMix) -> Answer

    /// What an engine saw of a fleet.
    struct Arrivals: Equatable {
        /// Attempts in each second since the loss.
        var perSecond: [Int] = []
        /// When the last daemon was back for good.
        var lastBack = Duration.zero

        var total: Int { perSecond.reduce(0, +) }

        /// The most in any second of these.
        func most(from first: Int, to end: Int? = nil) -> Int {
            perSecond.prefix(end ?? perSecond.count).dropFirst(first).max() ?? 0
        }

        mutating func add(at time: Duration) {
            let second = Int(time.components.seconds)
            if second >= perSecond.count { perSecond += Array(repeating: 0, count: second + 1 - perSecond.count) }
            perSecond[second] += 1
        }
    }

    var size = 10_000
    var seed: UInt64 = 1
    var policy = ReconnectPolicy()
    /// A test ends here in any case.
    var longest = Duration.seconds(3_600)

    /// Every daemon loses its session at zero, and connects again by the rules of the daemon.
    func arrivals(at engine: Engine) -> Arrivals {
        var arrivals = Arrivals()
        for index in 0..<size {
            var random = SplitMix(seed: seed &* 1_000_003 &+ UInt64(index))
            var machine = SessionStateMachine(policy: policy)
            _ = machine.started()
            _ = machine.connected()
            _ = machine.serving()
            var (now, actions) = (Duration.zero, machine.channelLost(Self.loss, using: &random))
            while now < longest, let (generation, wait) = Self.retry(in: actions) {
                now += wait
                guard machine.retryTimerFired(generation: generation) == [.connect] else { break }
                arrivals.add(at: now)
                switch engine(now, &random) {
                case .unreachable: actions = machine.connectFailed(Self.loss, using: &random)
                case .accepted(let end, let serves):
                    _ = machine.connected()
                    if serves { _ = machine.serving() }
                    actions = end == nil ? [] : machine.channelLost(Self.loss, using: &random)
                    now = end ?? now
                }
            }
            arrivals.lastBack = max(arrivals.lastBack, now)
        }
        return arrivals
    }

    /// The same fleet with the backoff of textbooks: the wait doubles, and all of it is waited.
    func plainArrivals(at engine: Engine) -> Arrivals {
        var arrivals = Arrivals()
        for index in 0..<size {
            var random = SplitMix(seed: seed &* 1_000_003 &+ UInt64(index))
            var (now, wait) = (Duration.zero, policy.minimum)
            while now < longest {
                now += wait
                wait = min(wait * 2, policy.maximum)
                arrivals.add(at: now)
                guard case .accepted(let end, let serves) = engine(now, &random) else { continue }
                guard let end else { break }
                if serves { wait = policy.minimum }
                now = end
            }
            arrivals.lastBack = max(arrivals.lastBack, now)
        }
        return arrivals
    }

    static func retry(in actions: [SessionStateMachine.Action]) -> (generation: Int, wait: Duration)? {
        for case .scheduleRetry(let generation, let wait, _) in actions { return (generation, wait) }
        return nil
    }

    static let loss = RstreamError(
        code: .engineUnreachable,
        origin: .engine,
        retry: .afterBackoff,
        what: "connection refused"
    )
}

/// Engines that are gone in one way or another, from the loss on.
extension Fleet {
    static func gone(for outage: Duration) -> Engine {
        { now, _ in now < outage ? .unreachable : .accepted(until: nil, serves: true) }
    }

    /// It is up and down for as long as `half` each, until it stays up at `end`.
    static func flapping(every half: Duration, until end: Duration, serves: Bool) -> Engine {
        { now, _ in
            if now >= end { return .accepted(until: nil, serves: true) }
            let isUp = Int(now / half) % 2 == 1
            return isUp ? .accepted(until: half * Double(Int(now / half) + 1), serves: serves) : .unreachable
        }
    }

    /// It is back after a second, and refuses every other attempt because it has no room.
    static func refusingHalf(after outage: Duration) -> Engine {
        { now, random in
            now < outage || random.next() & 1 == 0 ? .unreachable : .accepted(until: nil, serves: true)
        }
    }
}
