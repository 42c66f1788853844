// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamTestSupport
import Testing

@Suite("A tunnel whose configured name another tunnel holds")
struct StandbyTests {
    typealias Action = TunnelStateMachine.Action

    private static let wanted: TunnelProperties = {
        var properties = TunnelProperties()
        (properties.name, properties.hostname) = ("web", "web.example")
        return properties
    }()

    private static let granted: TunnelProperties = {
        var properties = wanted
        properties.id = "t1"
        return properties
    }()

    private static func refusal(_ code: EngineErrorCode, _ message: String = "") -> RstreamError {
        RetryPolicy.error(EngineError(code: code, message: message), refusing: "the tunnel")
    }

    private static let conflict = refusal(.resourceConflict)

    private static func machine(_ policy: ReconnectPolicy = ReconnectPolicy()) -> TunnelStateMachine {
        var machine = TunnelStateMachine(wanted: wanted, policy: policy)
        _ = machine.channelOpened()
        return machine
    }

    private static func wait(
        _ actions: [Action]
    ) throws -> (generation: Int, after: Duration, failure: TunnelStateMachine.Failure?) {
        guard case .scheduleRetry(let generation, let after, let failure)? = actions.first, actions.count == 1 else {
            throw UnexpectedActions(actions: actions)
        }
        return (generation, after, failure)
    }

    private struct UnexpectedActions: Error { let actions: [Action] }

    @Test(
        "is on standby from the first refusal on, is told so once, and takes over when it is granted",
        arguments: [conflict, refusal(.invalidRequest, "Hostname is already in use.")]
    )
    func life(error: RstreamError) throws {
        var random = SplitMix(seed: 1)
        var machine = Self.machine()
        for round in 0..<100 {
            let wait = try Self.wait(machine.openFailed(error, using: &random))
            #expect(wait.failure == (round == 0 ? .init(error, isStandby: true) : nil))
            #expect(machine.isOnStandby && machine.isWaiting)
            #expect(machine.retryTimerFired(generation: wait.generation) == [.open(Self.wanted)])
            // To ask again is no change.
            #expect(machine.isOnStandby && machine.state == .opening)
        }
        #expect(machine.opened(Self.granted) == [.opened(Self.granted, .tookOver)])
        #expect(!machine.isOnStandby && machine.state == .online(tunnelID: "t1"))
    }

    @Test(
        "asks again after a random wait between a third of the longest and all of it",
        arguments: [
            (ReconnectPolicy(), Duration.seconds(3)),
            (ReconnectPolicy(minimum: .milliseconds(20), maximum: .milliseconds(300)), .milliseconds(300)),
            (ReconnectPolicy(minimum: .seconds(20), maximum: .seconds(40)), .seconds(20)),
        ]
    )
    func waits(policy: ReconnectPolicy, longest: Duration) throws {
        var random = SplitMix(seed: 1)
        var machine = Self.machine(policy)
        var waits: [Duration] = []
        for _ in 0..<1_000 {
            let wait = try Self.wait(machine.openFailed(Self.conflict, using: &random))
            waits.append(wait.after)
            _ = machine.retryTimerFired(generation: wait.generation)
        }
        let (least, most) = (waits.min() ?? .zero, waits.max() ?? .zero)
        #expect(least >= longest * 0.333 && least < longest * 0.4)
        #expect(most <= longest && most > longest * 0.95)
    }

    @Test("another failure ends the standby, and is told")
    func otherFailure() throws {
        var random = SplitMix(seed: 1)
        var machine = Self.machine()
        _ = machine.openFailed(Self.conflict, using: &random)
        _ = machine.retryRequested()
        let error = Self.refusal(.internalError)
        #expect(try Self.wait(machine.openFailed(error, using: &random)).failure == .init(error))
        #expect(!machine.isOnStandby)
        _ = machine.retryRequested()
        #expect(machine.opened(Self.granted) == [.opened(Self.granted, .first)])
    }

    @Test("the loss of its session leaves it on standby, without another word, because it holds nothing")
    func sessionLost() throws {
        var random = SplitMix(seed: 1)
        var machine = Self.machine()
        _ = machine.openFailed(Self.conflict, using: &random)
        _ = machine.channelLost(noticedAfter: .seconds(60))
        #expect(!machine.isOnStandby && machine.state == .pending)
        _ = machine.channelOpened()
        #expect(try Self.wait(machine.openFailed(Self.conflict, using: &random)).failure == nil)
        #expect(machine.isOnStandby)
    }

    @Test("after an outage longer than the engine needs to notice it, another host has the name: standby at once")
    func returnsLate() throws {
        var random = SplitMix(seed: 1)
        for (outage, isStandby) in [(Duration.seconds(5), false), (.seconds(20), true)] {
            var machine = Self.machine()
            _ = machine.opened(Self.granted)
            _ = machine.channelLost(noticedAfter: .seconds(15))
            _ = machine.channelOpened(after: outage)
            let wait = try Self.wait(machine.openFailed(Self.conflict, using: &random))
            #expect(wait.failure == .init(Self.conflict, followsLoss: !isStandby, isStandby: isStandby))
            #expect(machine.isOnStandby == isStandby)
        }
    }

    @Test("a tunnel that was moved away in order is on standby as soon as it is enabled")
    func movedAway() throws {
        var random = SplitMix(seed: 1)
        var machine = Self.machine()
        _ = machine.opened(Self.granted)
        #expect(machine.drainRequested() == [.close(tunnelID: "t1")])
        _ = machine.ended(nil, using: &random)
        var successor = Self.machine()
        successor.inherit(from: machine)
        _ = try Self.wait(successor.openFailed(Self.conflict, using: &random))
        #expect(successor.isOnStandby)
    }

    @Test("a drain ends the standby")
    func drained() {
        var random = SplitMix(seed: 1)
        var machine = Self.machine()
        _ = machine.openFailed(Self.conflict, using: &random)
        #expect(machine.drainRequested() == [])
        #expect(!machine.isOnStandby && machine.state == .closed)
    }

    @Test("an address that the configuration does not name is never waited for on standby")
    func generated() throws {
        var random = SplitMix(seed: 1)
        var anywhere = TunnelProperties()
        anywhere.name = "web"
        var machine = TunnelStateMachine(wanted: anywhere, stableHostname: "r1.example", policy: ReconnectPolicy())
        _ = machine.channelOpened()
        for _ in 1..<TunnelStateMachine.conflictLimit {
            let wait = try Self.wait(machine.openFailed(Self.conflict, using: &random))
            #expect(!machine.isOnStandby)
            _ = machine.retryTimerFired(generation: wait.generation)
        }
        #expect(machine.openFailed(Self.conflict, using: &random) == [.open(anywhere)])
        // Where the engine chooses, there is nothing that another tunnel could give up.
        _ = try Self.wait(machine.openFailed(Self.conflict, using: &random))
        #expect(!machine.isOnStandby)
    }

    @Test("a private tunnel is on standby for its name, where an engine has each only once")
    func privateName() throws {
        var random = SplitMix(seed: 1)
        var properties = TunnelProperties()
        (properties.name, properties.publish) = ("db", false)
        var machine = TunnelStateMachine(wanted: properties, policy: ReconnectPolicy())
        _ = machine.channelOpened()
        _ = try Self.wait(machine.openFailed(Self.conflict, using: &random))
        #expect(machine.isOnStandby)
    }
}
