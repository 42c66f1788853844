// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamTestSupport
import Testing

@Suite("an engine session connects, waits, and never gives up by itself")
struct SessionTests {
    private static let policy = ReconnectPolicy(minimum: .seconds(1), maximum: .seconds(8), rejected: .seconds(300))
    private static let refusal = RstreamError(code: .engine, origin: .engine, retry: .afterReload, what: "no")
    private static let other = RstreamError(
        code: .engineUnreachable,
        origin: .engine,
        retry: .afterBackoff,
        what: "dns"
    )

    private func connecting() -> SessionStateMachine {
        var machine = SessionStateMachine(policy: Self.policy)
        _ = machine.started()
        return machine
    }

    private func online() -> SessionStateMachine {
        var machine = connecting()
        _ = machine.connected()
        _ = machine.serving()
        return machine
    }

    private typealias Wait = (generation: Int, after: Duration, change: SessionStateMachine.OutageChange?)

    /// The one wait among these actions, and what is told with it.
    private func wait(_ actions: [SessionStateMachine.Action]) throws -> Wait {
        let waits = actions.compactMap { action -> Wait? in
            if case .scheduleRetry(let generation, let after, let change) = action {
                (generation, after, change)
            } else {
                nil
            }
        }
        try #require(waits.count == 1)
        return waits[0]
    }

    @Test("it begins with an attempt, once")
    func start() {
        var machine = SessionStateMachine(policy: Self.policy)
        #expect(machine.state == .idle)
        #expect(machine.started() == [.connect])
        #expect(machine.state == .connecting)
        #expect(machine.attempt == 1)
        #expect(machine.started() == [])
    }

    @Test("a first connection changes no outage")
    func firstConnection() {
        var machine = connecting()
        #expect(machine.connected() == [])
        #expect(machine.state == .online)
        #expect(machine.serving() == [])
        #expect(machine.attempt == 0)
    }

    @Test("a failed attempt begins an outage and waits")
    func failure() throws {
        var random = SplitMix(seed: 1)
        var machine = connecting()
        let wait = try wait(machine.connectFailed(reset, using: &random))
        #expect(wait.change == .began(reset))
        #expect(wait.after > .zero && wait.after <= .seconds(1))
        #expect(machine.state == .waiting)
        #expect(machine.retryTimerFired(generation: wait.generation) == [.connect])
        #expect(machine.attempt == 2)
    }

    @Test("the same failure again is quiet, another is told")
    func series() throws {
        var random = SplitMix(seed: 1)
        var machine = connecting()
        let told = try [reset, reset, Self.other, reset, Self.refusal, Self.refusal].map { error in
            let wait = try wait(machine.connectFailed(error, using: &random))
            _ = machine.retryRequested()
            return wait.change
        }
        let expected: [SessionStateMachine.OutageChange?] = [
            .began(reset), nil, .causeChanged(Self.other), .causeChanged(reset), .causeChanged(Self.refusal), nil,
        ]
        #expect(told == expected)
    }

    @Test("an outage ends when traffic flows, not when the channel is open")
    func outageEnds() {
        var random = SplitMix(seed: 1)
        var machine = connecting()
        for _ in 0..<3 {
            _ = machine.connectFailed(reset, using: &random)
            _ = machine.retryRequested()
        }
        #expect(machine.connected() == [])
        #expect(machine.attempt == 4)
        #expect(machine.serving() == [.outageEnded(attempts: 4)])
        #expect(machine.attempt == 0)
        #expect(machine.serving() == [])
    }

    @Test("waits double to the cap, and stay there as long as only connecting succeeds")
    func backoff() throws {
        var longest = Longest()
        var machine = connecting()
        for step in [1, 2, 4, 8, 8, 8] {
            _ = machine.connected()
            let wait = try wait(machine.channelLost(reset, using: &longest))
            #expect(wait.after == .seconds(step))
            _ = machine.retryTimerFired(generation: wait.generation)
        }
    }

    @Test("once traffic flowed the next wait starts small again")
    func backoffReset() throws {
        var longest = Longest()
        var machine = connecting()
        for _ in 0..<5 {
            _ = machine.connectFailed(reset, using: &longest)
            _ = machine.retryRequested()
        }
        _ = machine.connected()
        _ = machine.serving()
        let wait = try wait(machine.channelLost(reset, using: &longest))
        #expect(wait.change == .began(reset))
        #expect(wait.after == .seconds(1))
    }

    @Test("another credential is tried at once after a refusal and during a wait, and disturbs nothing else")
    func credential() throws {
        var random = SystemRandomNumberGenerator()
        for (error, state) in [(Self.refusal, SessionStateMachine.State.rejected), (reset, .waiting)] {
            var machine = SessionStateMachine(policy: Self.policy)
            #expect(machine.credentialChanged() == [])
            _ = machine.started()
            let wait = try wait(machine.connectFailed(error, using: &random))
            #expect(machine.state == state)
            #expect(machine.credentialChanged() == [.connect])
            #expect(machine.retryTimerFired(generation: wait.generation) == [])
            _ = machine.connected()
            #expect(machine.credentialChanged() == [])
            #expect(machine.state == .online)
        }
    }

    @Test("an attempt that may have read the old credential is followed by another one at once if it fails")
    func credentialDuringAttempt() throws {
        var longest = Longest()
        for error in [Self.refusal, reset] {
            var machine = connecting()
            #expect(machine.credentialChanged() == [])
            let wait = try wait(machine.connectFailed(error, using: &longest))
            #expect(wait.after == .zero && wait.change == .began(error))
            #expect(machine.retryTimerFired(generation: wait.generation) == [.connect])
            // This one has read the new one.
            let next = try self.wait(machine.connectFailed(error, using: &longest))
            #expect(next.after > .zero)
        }
        var machine = connecting()
        _ = machine.credentialChanged()
        _ = machine.connected()
        _ = machine.serving()
        #expect(try wait(machine.channelLost(reset, using: &longest)).after == .seconds(1))
    }

    @Test("a session keeps its channel for another credential, unless the engine refused tunnels to the old one")
    func credentialOnline() {
        var machine = connecting()
        _ = machine.connected()
        #expect(machine.credentialChanged(hasRejectedTunnels: true) == [.closeChannel])
        #expect(machine.credentialChanged(hasRejectedTunnels: true) == [])
        #expect(machine.channelClosed() == [.connect])
    }

    @Test("a refusal waits long, and does not use up the backoff", arguments: [RstreamError.Retry.afterReload, .never])
    func rejected(retry: RstreamError.Retry) throws {
        var longest = Longest()
        var machine = connecting()
        let error = RstreamError(code: .engine, origin: .engine, retry: retry, what: "no")
        let wait = try wait(machine.connectFailed(error, using: &longest))
        #expect(wait.after == .seconds(300))
        #expect(machine.state == .rejected)
        #expect(machine.retryTimerFired(generation: wait.generation) == [.connect])
        #expect(try self.wait(machine.connectFailed(reset, using: &longest)).after == .seconds(1))
    }

    @Test("a change of the world tries at once, once, and the old timer means nothing any more")
    func retryRequested() throws {
        var random = SplitMix(seed: 1)
        for error in [reset, Self.refusal] {
            var machine = connecting()
            let wait = try wait(machine.connectFailed(error, using: &random))
            #expect(machine.retryRequested() == [.connect])
            #expect(machine.retryRequested() == [])
            #expect(machine.retryTimerFired(generation: wait.generation) == [])
            let next = try self.wait(machine.connectFailed(error, using: &random))
            #expect(machine.retryTimerFired(generation: wait.generation) == [])
            #expect(machine.retryTimerFired(generation: next.generation) == [.connect])
            #expect(machine.retryTimerFired(generation: next.generation) == [])
        }
    }

    @Test("another network tries at once, and does not wait for the attempt that started on the old one")
    func networkChanged() throws {
        var random = SplitMix(seed: 1)
        var waiting = connecting()
        let wait = try wait(waiting.connectFailed(reset, using: &random))
        #expect(waiting.networkChanged() == [.connect])
        #expect(waiting.networkChanged() == [.connect])
        #expect(waiting.retryTimerFired(generation: wait.generation) == [])
        var online = online()
        #expect(online.networkChanged() == [])
    }

    @Test("another credential closes the channel in order and connects again, and is no outage")
    func renew() {
        var random = SplitMix(seed: 1)
        var machine = online()
        #expect(machine.renewRequested() == [.closeChannel])
        #expect(machine.renewRequested() == [])
        #expect(machine.channelClosed() == [.connect])
        #expect(machine.connected() == [])
        #expect(machine.serving() == [])
        #expect(machine.renewRequested() == [.closeChannel])
        #expect(machine.channelLost(reset, using: &random) == [.connect])
    }

    @Test("another credential ends a wait, however the engine refused the one before")
    func renewWhileWaiting() {
        var random = SplitMix(seed: 1)
        for error in [reset, Self.refusal] {
            var machine = connecting()
            _ = machine.connectFailed(error, using: &random)
            #expect(machine.renewRequested() == [.connect])
            #expect(machine.renewRequested() == [.connect])
        }
    }

    @Test("a channel that closes for another one is drained all the same")
    func drainWhileRenewing() {
        var machine = online()
        _ = machine.renewRequested()
        #expect(machine.drainRequested() == [])
        #expect(machine.channelClosed() == [.finished])
    }

    @Test("other waits are in force from the next one on")
    func policyChanged() throws {
        var longest = Longest()
        var machine = connecting()
        _ = machine.connectFailed(reset, using: &longest)
        machine.policyChanged(
            ReconnectPolicy(minimum: .milliseconds(5), maximum: .milliseconds(10), rejected: .milliseconds(20))
        )
        _ = machine.retryRequested()
        #expect(try wait(machine.connectFailed(reset, using: &longest)).after == .milliseconds(5))
    }

    @Test("there is nothing to hurry while it connects, is online or closed")
    func needlessRetry() {
        var connecting = connecting()
        #expect(connecting.retryRequested() == [])
        var online = online()
        #expect(online.retryRequested() == [])
        _ = online.drainRequested()
        #expect(online.retryRequested() == [])
        _ = online.channelClosed()
        #expect(online.retryRequested() == [])
    }

    @Test("a drain keeps the channel until the last stream ended, then closes it in order")
    func drain() {
        var random = SplitMix(seed: 1)
        var machine = online()
        #expect(machine.drainRequested() == [])
        #expect(machine.state == .draining)
        #expect(machine.drainRequested() == [])
        #expect(machine.drained() == [.closeChannel])
        #expect(machine.channelClosed() == [.finished])
        #expect(machine.state == .closed)
        #expect(machine.channelClosed() == [])
        #expect(machine.channelLost(reset, using: &random) == [])
    }

    @Test("a channel that is lost while it drains is not dialed again")
    func lostWhileDraining() {
        var random = SplitMix(seed: 1)
        var machine = online()
        _ = machine.drainRequested()
        #expect(machine.channelLost(reset, using: &random) == [.finished])
        #expect(machine.channelClosed() == [])
    }

    @Test("without a channel a drain is over at once, and no timer brings it back")
    func drainOffline() throws {
        var random = SplitMix(seed: 1)
        for error in [reset, Self.refusal] {
            var waiting = connecting()
            let wait = try wait(waiting.connectFailed(error, using: &random))
            #expect(waiting.drainRequested() == [.finished])
            #expect(waiting.retryTimerFired(generation: wait.generation) == [])
            #expect(waiting.state == .closed)
        }
        var idle = SessionStateMachine(policy: Self.policy)
        #expect(idle.drainRequested() == [.finished])
        #expect(idle.started() == [])
    }

    @Test("a connection that opens after it was abandoned is closed")
    func lateConnection() {
        var random = SplitMix(seed: 1)
        var machine = connecting()
        #expect(machine.drainRequested() == [.finished])
        #expect(machine.connected() == [.closeChannel])
        #expect(machine.state == .closed)
        #expect(machine.connectFailed(reset, using: &random) == [])
    }

    @Test("without a drain nothing is drained or closed")
    func needlessDrained() {
        var machine = online()
        #expect(machine.drained() == [])
        #expect(machine.channelClosed() == [])
        #expect(machine.state == .online)
    }

    @Test(
        "in any walk it finishes once, stays closed, and waits or works until then",
        arguments: 1...100 as ClosedRange<UInt64>
    )
    func walk(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var machine = SessionStateMachine(policy: Self.policy)
        var finished = 0
        var timer: Int?
        for step in 0..<300 {
            let place = "seed \(seed), step \(step)"
            let error = [reset, Self.other, Self.refusal].randomElement(using: &random) ?? reset
            let actions: [SessionStateMachine.Action] =
                switch Int.random(in: 0..<44, using: &random) {
                case 0..<8: machine.started()
                case 8..<14: machine.state == .connecting ? machine.connected() : []
                case 14..<18: machine.serving()
                case 18..<22: machine.connectFailed(error, using: &random)
                case 22..<27: machine.channelLost(error, using: &random)
                case 27..<34: timer.map { machine.retryTimerFired(generation: $0) } ?? []
                case 34..<37: machine.retryRequested()
                case 37: step > 150 ? machine.drainRequested() : []
                case 38: machine.drained()
                case 39, 40: machine.networkChanged()
                case 41, 42: machine.renewRequested()
                default: machine.channelClosed()
                }
            for action in actions {
                try #require(finished == 0, "\(place): \(action)")
                switch action {
                case .finished: finished += 1
                case .scheduleRetry(let generation, let after, _):
                    timer = generation
                    try #require(after > .zero, "\(place)")
                default: break
                }
            }
            try #require((machine.state == .closed) == (finished == 1), "\(place)")
            // Whoever waits has a timer that will end the wait.
            if machine.state == .waiting || machine.state == .rejected {
                var probe = machine
                try #require(timer.map { probe.retryTimerFired(generation: $0) } == [.connect], "\(place)")
            }
        }
    }
}

/// Draws the end of every range, so that a wait is its whole step.
struct Longest: RandomNumberGenerator {
    // A value without a size has no address of its own, and the thread sanitizer takes two of them for one.
    private var draws = 0

    mutating func next() -> UInt64 {
        draws += 1
        return .max
    }
}
