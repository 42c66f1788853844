// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamTestSupport
import Testing

@Suite("one wanted tunnel, on a session that comes and goes")
struct TunnelStateMachineTests {
    typealias Action = TunnelStateMachine.Action

    private static let policy = ReconnectPolicy(minimum: .seconds(1), maximum: .seconds(8), rejected: .seconds(300))

    private static func refusal(_ code: EngineErrorCode, _ message: String = "") -> RstreamError {
        RetryPolicy.error(EngineError(code: code, message: message), refusing: "the tunnel")
    }

    private func properties(_ change: (inout TunnelProperties) -> Void = { _ in }) -> TunnelProperties {
        var properties = TunnelProperties()
        properties.name = "web"
        change(&properties)
        return properties
    }

    private func granted(_ hostname: String?, port: UInt32? = nil) -> TunnelProperties {
        properties {
            $0.id = "t1"
            $0.hostname = hostname
            $0.port = port
        }
    }

    private func machine(
        _ wanted: TunnelProperties? = nil,
        stableHostname: String? = nil
    ) -> TunnelStateMachine {
        TunnelStateMachine(wanted: wanted ?? properties(), stableHostname: stableHostname, policy: Self.policy)
    }

    private func opening() -> TunnelStateMachine {
        var machine = machine()
        _ = machine.channelOpened()
        return machine
    }

    private func online(_ hostname: String? = "a.example") -> TunnelStateMachine {
        var machine = opening()
        _ = machine.opened(granted(hostname))
        return machine
    }

    private func opened(_ actions: [Action]) -> TunnelProperties? {
        if case .open(let properties) = actions.first, actions.count == 1 { properties } else { nil }
    }

    private typealias Wait = (generation: Int, after: Duration, failure: TunnelStateMachine.Failure?)

    /// The one wait among these actions, and what is told with it.
    private func wait(_ actions: [Action]) throws -> Wait {
        let waits = actions.compactMap { action -> Wait? in
            if case .scheduleRetry(let generation, let after, let failure) = action {
                (generation, after, failure)
            } else {
                nil
            }
        }
        try #require(waits.count == 1)
        return waits[0]
    }

    @Test("it is asked for as wanted when the channel opens, once")
    func open() {
        var machine = machine()
        #expect(machine.state == .pending)
        #expect(machine.channelOpened() == [.open(properties())])
        #expect(machine.state == .opening)
        #expect(machine.channelOpened() == [])
    }

    @Test("a grant puts it online, at an address that is its first")
    func grant() {
        var machine = opening()
        #expect(machine.opened(granted("a.example")) == [.opened(granted("a.example"), .first)])
        #expect(machine.state == .online(tunnelID: "t1"))
    }

    @Test("the address that the engine chose is asked for again at every reopening")
    func keepsAddress() {
        var machine = online("a.example")
        #expect(machine.channelLost() == [])
        #expect(machine.state == .pending)
        #expect(opened(machine.channelOpened())?.hostname == "a.example")
        #expect(machine.opened(granted("a.example")) == [.opened(granted("a.example"), .again)])
    }

    @Test("a tunnel of which a failure was told is news when it serves again")
    func newsAfterFailure() {
        var machine = online("a.example")
        var random = SplitMix(seed: 1)
        _ = machine.ended(reset, using: &random)
        _ = machine.channelLost()
        _ = machine.channelOpened()
        #expect(machine.opened(granted("a.example")) == [.opened(granted("a.example"), .first)])
        _ = machine.channelLost()
        _ = machine.channelOpened()
        #expect(machine.opened(granted("a.example")) == [.opened(granted("a.example"), .again)])
    }

    @Test("another address than before is said to have moved, and is the one asked for next")
    func moved() {
        var machine = online("a.example")
        _ = machine.channelLost()
        _ = machine.channelOpened()
        #expect(machine.opened(granted("b.example")) == [.opened(granted("b.example"), .moved)])
        _ = machine.channelLost()
        #expect(opened(machine.channelOpened())?.hostname == "b.example")
    }

    @Test("a tcp tunnel keeps its port instead")
    func keepsPort() {
        let wanted = properties { $0.protocol = "tcp" }
        var machine = machine(wanted)
        _ = machine.channelOpened()
        _ = machine.opened(granted("tcp.example", port: 5_000))
        _ = machine.channelLost()
        var expected = wanted
        expected.port = 5_000
        #expect(machine.channelOpened() == [.open(expected)])
    }

    @Test("an address of the user's own is never replaced")
    func ownAddress() {
        let wanted = properties { $0.hostname = "mine.example" }
        var machine = machine(wanted)
        _ = machine.channelOpened()
        _ = machine.opened(granted("other.example"))
        _ = machine.channelLost()
        #expect(machine.channelOpened() == [.open(wanted)])
    }

    @Test("what replaces a tunnel takes over its address, and having it is no move")
    func inherits() {
        var successor = machine(properties { $0.geoip = ["FR"] }, stableHostname: "r2.example")
        successor.inherit(from: online("a.example"))
        #expect(opened(successor.channelOpened())?.hostname == "a.example")
        #expect(successor.opened(granted("a.example")) == [.opened(granted("a.example"), .first)])
    }

    @Test("what replaces a tunnel leaves alone an address that it cannot have")
    func inheritsNothing() {
        for wanted in [
            properties { $0.hostname = "mine.example" }, properties { $0.protocol = "tcp" },
            properties { $0.publish = false },
        ] {
            var successor = machine(wanted)
            successor.inherit(from: online("a.example"))
            #expect(successor.channelOpened() == [.open(wanted)])
        }
    }

    @Test("a generated name may come late, and stands below an address that is in use")
    func suggested() {
        var machine = machine()
        machine.suggest(hostname: "r1.example")
        machine.suggest(hostname: "r2.example")
        #expect(opened(machine.channelOpened())?.hostname == "r1.example")
        var serving = online("a.example")
        serving.suggest(hostname: "r1.example")
        _ = serving.channelLost()
        #expect(opened(serving.channelOpened())?.hostname == "a.example")
    }

    @Test("a reload asks again at once for what was refused, and leaves the rest alone")
    func retryRequested() {
        var random = SplitMix(seed: 1)
        var machine = opening()
        #expect(machine.retryRequested() == [])
        _ = machine.openFailed(Self.refusal(.unauthorized), using: &random)
        #expect(machine.retryRequested() == [.open(properties())])
        _ = machine.openFailed(Self.refusal(.unauthorized), using: &random)
        _ = machine.channelLost()
        #expect(machine.retryRequested() == [])
    }

    @Test("a private tunnel has no address to keep")
    func privateTunnel() {
        let wanted = properties { $0.publish = false }
        var machine = machine(wanted)
        _ = machine.channelOpened()
        _ = machine.opened(granted("a.example", port: 1))
        _ = machine.channelLost()
        #expect(machine.channelOpened() == [.open(wanted)])
    }

    @Test("a generated name is asked for from the first time on, and getting it is no move")
    func stableHostname() {
        var machine = machine(stableHostname: "r1.example")
        #expect(opened(machine.channelOpened())?.hostname == "r1.example")
        #expect(machine.opened(granted("r1.example")) == [.opened(granted("r1.example"), .first)])
        _ = machine.channelLost()
        #expect(opened(machine.channelOpened())?.hostname == "r1.example")
    }

    @Test("a generated name does not stand above the user's own")
    func stableHostnameNotNeeded() {
        var machine = machine(properties { $0.hostname = "mine.example" }, stableHostname: "r1.example")
        #expect(opened(machine.channelOpened())?.hostname == "mine.example")
    }

    @Test(
        "an address that the engine refuses is given up when the tunnel is granted without, and only then",
        arguments: [EngineErrorCode.invalidRequest, .featureNotAvailable, .unauthorized, .invalidStream]
    )
    func givesUpRefused(code: EngineErrorCode) throws {
        var random = SplitMix(seed: 1)
        var machine = machine(stableHostname: "r1.example")
        _ = machine.channelOpened()
        #expect(machine.openFailed(Self.refusal(code), using: &random) == [.open(properties())])
        #expect(machine.state == .opening)
        // Refused without an address, too: then it is about something else.
        let wait = try wait(machine.openFailed(Self.refusal(code), using: &random))
        #expect(machine.state == .rejected)
        #expect(opened(machine.retryTimerFired(generation: wait.generation))?.hostname == "r1.example")
        // Lost in between, nothing was found out.
        #expect(machine.openFailed(Self.refusal(code), using: &random) == [.open(properties())])
        _ = machine.channelLost()
        #expect(opened(machine.channelOpened())?.hostname == "r1.example")
        #expect(machine.openFailed(Self.refusal(code), using: &random) == [.open(properties())])
        _ = machine.opened(granted("b.example"))
        _ = machine.channelLost()
        #expect(opened(machine.channelOpened())?.hostname == "b.example")
    }

    @Test(
        "an address is kept through refusals that are not about it",
        arguments: [EngineErrorCode.serviceUnavailable, .capacityExhausted, .internalError]
    )
    func keepsThroughOthers(code: EngineErrorCode) throws {
        var random = SplitMix(seed: 1)
        var machine = machine(stableHostname: "r1.example")
        _ = machine.channelOpened()
        for _ in 0..<20 {
            let wait = try wait(machine.openFailed(Self.refusal(code), using: &random))
            #expect(opened(machine.retryTimerFired(generation: wait.generation))?.hostname == "r1.example")
        }
    }

    @Test(
        "an address that another agent holds for too long is given up",
        arguments: [
            refusal(.resourceConflict), refusal(.invalidRequest, "Hostname is already in use."),
        ]
    )
    func givesUpHeld(error: RstreamError) throws {
        var random = SplitMix(seed: 1)
        var machine = machine(stableHostname: "r1.example")
        _ = machine.channelOpened()
        for _ in 1..<TunnelStateMachine.conflictLimit {
            let wait = try wait(machine.openFailed(error, using: &random))
            #expect(opened(machine.retryTimerFired(generation: wait.generation))?.hostname == "r1.example")
        }
        #expect(machine.openFailed(error, using: &random) == [.open(properties())])
    }

    @Test("conflicts count in a row: a grant in between starts the count again")
    func conflictsInARow() throws {
        var random = SplitMix(seed: 1)
        var machine = online("a.example")
        for _ in 0..<3 {
            _ = machine.channelLost()
            _ = machine.channelOpened()
            for _ in 1..<TunnelStateMachine.conflictLimit {
                let wait = try wait(machine.openFailed(Self.refusal(.resourceConflict), using: &random))
                #expect(opened(machine.retryTimerFired(generation: wait.generation))?.hostname == "a.example")
            }
            _ = machine.opened(granted("a.example"))
        }
    }

    @Test("a user's own address is never given up, however often it is refused")
    func neverGivesUpOwn() throws {
        var random = SplitMix(seed: 1)
        let wanted = properties { $0.hostname = "mine.example" }
        var machine = machine(wanted)
        _ = machine.channelOpened()
        for _ in 0..<(3 * TunnelStateMachine.conflictLimit) {
            let wait = try wait(machine.openFailed(Self.refusal(.resourceConflict), using: &random))
            #expect(machine.retryTimerFired(generation: wait.generation) == [.open(wanted)])
        }
    }

    @Test("an address that the engine may hold for the session before is asked for every few seconds for a while")
    func returning() throws {
        var longest = Longest()
        let wanted = properties { $0.hostname = "mine.example" }
        var machine = machine(wanted)
        _ = machine.channelOpened()
        _ = machine.opened(granted("mine.example"))
        for _ in 0..<2 {
            // As good as noticed at once.
            _ = machine.channelLost(noticedAfter: .nanoseconds(1))
            _ = machine.channelOpened()
            var waits: [Duration] = []
            for _ in 0..<(TunnelStateMachine.conflictLimit + 3) {
                let wait = try wait(machine.openFailed(Self.refusal(.resourceConflict), using: &longest))
                waits.append(wait.after)
                _ = machine.retryTimerFired(generation: wait.generation)
            }
            // The first one covers the time in which the engine may not have noticed.
            let quick = TunnelStateMachine.conflictLimit
            #expect(
                waits.prefix(6) == [.seconds(1), .seconds(1), .seconds(2), .seconds(4), .seconds(5), .seconds(5)]
            )
            #expect(waits.prefix(quick).allSatisfy { $0 <= .seconds(5) })
            // From then on it is another tunnel's.
            #expect(waits.dropFirst(quick).allSatisfy { $0 == TunnelStateMachine.standbyMaximum })
            #expect(machine.isOnStandby)
            _ = machine.opened(granted("mine.example"))
        }
        // A longer minimum is respected.
        machine.policyChanged(ReconnectPolicy(minimum: .seconds(20), maximum: .seconds(40)))
        _ = machine.channelLost(noticedAfter: .nanoseconds(1))
        _ = machine.channelOpened()
        #expect(try wait(machine.openFailed(Self.refusal(.resourceConflict), using: &longest)).after == .seconds(20))
    }

    @Test(
        "until the engine must have noticed that the session before is gone, the address is asked for without backing off",
        arguments: [Duration.seconds(3), .seconds(15), .seconds(60)]
    )
    func unnoticed(timeout: Duration) throws {
        var longest = Longest()
        for wanted in [properties { $0.hostname = "mine.example" }, properties()] {
            var machine = machine(wanted)
            _ = machine.channelOpened()
            _ = machine.opened(granted("mine.example"))
            for _ in 0..<2 {
                _ = machine.channelLost(noticedAfter: timeout)
                _ = machine.channelOpened()
                var (waits, whole) = ([Duration](), Duration.zero)
                while whole < timeout {
                    let wait = try wait(machine.openFailed(Self.refusal(.resourceConflict), using: &longest))
                    waits.append(wait.after)
                    whole += wait.after
                    // An address that the engine chose is still asked for, however often it was refused.
                    let actions = machine.retryTimerFired(generation: wait.generation)
                    #expect(opened(actions)?.hostname == "mine.example")
                }
                #expect(waits.allSatisfy { $0 == .seconds(1) })
                for step in [1, 2, 4, 5, 5] {
                    let wait = try wait(machine.openFailed(Self.refusal(.resourceConflict), using: &longest))
                    #expect(wait.after == .seconds(step))
                    #expect(!machine.isOnStandby, "it may be this daemon's own session that has the address")
                    _ = machine.retryTimerFired(generation: wait.generation)
                }
                _ = machine.opened(granted("mine.example"))
            }
        }
    }

    @Test("only a conflict is asked about without backing off")
    func otherTrouble() throws {
        var longest = Longest()
        var machine = online()
        _ = machine.channelLost(noticedAfter: .seconds(60))
        _ = machine.channelOpened()
        for step in [1, 2, 4, 8] {
            let wait = try wait(machine.openFailed(Self.refusal(.internalError), using: &longest))
            #expect(wait.after == .seconds(step))
            _ = machine.retryTimerFired(generation: wait.generation)
        }
    }

    @Test("a failure that passes waits with a backoff, which a grant resets")
    func backoff() throws {
        var longest = Longest()
        var machine = opening()
        for step in [1, 2, 4, 8, 8] {
            let wait = try wait(machine.openFailed(Self.refusal(.internalError), using: &longest))
            #expect(wait.after == .seconds(step))
            #expect(machine.state == .pending)
            #expect(machine.retryTimerFired(generation: wait.generation).count == 1)
        }
        _ = machine.opened(granted(nil))
        #expect(try wait(machine.ended(reset, using: &longest)).after == .seconds(1))
    }

    @Test("a failure that needs a change waits long")
    func rejected() throws {
        var random = SplitMix(seed: 1)
        var machine = opening()
        let wait = try wait(machine.openFailed(Self.refusal(.unauthorized), using: &random))
        #expect(wait.after == .seconds(300))
        #expect(machine.state == .rejected)
        #expect(machine.retryTimerFired(generation: wait.generation) == [.open(properties())])
    }

    @Test("a rejected tunnel is asked for again on a new channel")
    func rejectedThenReconnected() {
        var random = SplitMix(seed: 1)
        var machine = opening()
        _ = machine.openFailed(Self.refusal(.unauthorized), using: &random)
        _ = machine.channelLost()
        #expect(machine.state == .pending)
        #expect(machine.channelOpened() == [.open(properties())])
    }

    @Test("each cause is told once, and again after the tunnel served")
    func toldOnce() throws {
        var random = SplitMix(seed: 1)
        var machine = opening()
        let (error, other) = (Self.refusal(.internalError), Self.refusal(.capacityExhausted))
        let told = try [error, error, other, error].map { error in
            let failure = try wait(machine.openFailed(error, using: &random)).failure
            _ = machine.channelLost()
            _ = machine.channelOpened()
            return failure
        }
        #expect(told == [.init(error), nil, .init(other), .init(error)])
        _ = machine.opened(granted(nil))
        #expect(try wait(machine.ended(error, using: &random)).failure == .init(error))
    }

    @Test(
        "an address that the engine may hold for a session that was lost is a part of that outage, for as long as it may"
    )
    func followsLoss() throws {
        var random = SplitMix(seed: 1)
        let conflict = Self.refusal(.resourceConflict)
        let wanted = properties { $0.hostname = "mine.example" }
        var machine = machine(wanted)
        _ = machine.channelOpened()
        // Another tunnel holds it before this one ever served.
        #expect(try wait(machine.openFailed(conflict, using: &random)).failure == .init(conflict, isStandby: true))
        _ = machine.retryRequested()
        _ = machine.opened(granted("mine.example"))
        _ = machine.channelLost(noticedAfter: .seconds(15))
        _ = machine.channelOpened()
        var told: [TunnelStateMachine.Failure] = []
        for _ in 0..<200 {
            let wait = try wait(machine.openFailed(conflict, using: &random))
            if let failure = wait.failure { told.append(failure) }
            _ = machine.retryTimerFired(generation: wait.generation)
        }
        #expect(told == [.init(conflict, followsLoss: true), .init(conflict, isStandby: true)])
        #expect(machine.opened(granted("mine.example")) == [.opened(granted("mine.example"), .tookOver)])
        // A session that was closed in order holds nothing.
        _ = machine.channelLost()
        _ = machine.channelOpened()
        #expect(try wait(machine.openFailed(conflict, using: &random)).failure == .init(conflict, isStandby: true))
    }

    @Test("other troubles after a loss are troubles of their own")
    func afterLoss() throws {
        var random = SplitMix(seed: 1)
        for code in [EngineErrorCode.internalError, .unauthorized, .capacityExhausted] {
            var machine = online("a.example")
            _ = machine.channelLost(noticedAfter: .seconds(15))
            _ = machine.channelOpened()
            var actions = machine.openFailed(Self.refusal(code), using: &random)
            // Asked for once more, without the address.
            if opened(actions) != nil { actions = machine.openFailed(Self.refusal(code), using: &random) }
            #expect(try wait(actions).failure == .init(Self.refusal(code)))
        }
    }

    @Test("it waits for a next attempt only while its channel is open and nothing else goes on")
    func isWaiting() throws {
        var random = SplitMix(seed: 1)
        for error in [reset, Self.refusal(.unauthorized)] {
            var machine = machine()
            #expect(!machine.isWaiting)
            _ = machine.channelOpened()
            #expect(!machine.isWaiting)
            let wait = try wait(machine.openFailed(error, using: &random))
            #expect(machine.isWaiting)
            _ = machine.retryTimerFired(generation: wait.generation)
            #expect(!machine.isWaiting)
            _ = machine.openFailed(error, using: &random)
            _ = machine.channelLost()
            #expect(!machine.isWaiting)
            _ = machine.channelOpened()
            _ = machine.opened(granted("a.example"))
            #expect(!machine.isWaiting)
            _ = machine.ended(error, using: &random)
            #expect(machine.isWaiting)
            _ = machine.drainRequested()
            #expect(!machine.isWaiting)
        }
    }

    @Test("a timer of another generation, or without a channel, asks for nothing")
    func staleTimer() throws {
        var random = SplitMix(seed: 1)
        var machine = opening()
        let first = try wait(machine.openFailed(Self.refusal(.internalError), using: &random))
        _ = machine.channelLost()
        #expect(machine.retryTimerFired(generation: first.generation) == [])
        _ = machine.channelOpened()
        #expect(machine.retryTimerFired(generation: first.generation) == [])
        let second = try wait(machine.openFailed(Self.refusal(.internalError), using: &random))
        #expect(machine.retryTimerFired(generation: first.generation) == [])
        #expect(machine.retryTimerFired(generation: second.generation).count == 1)
        #expect(machine.retryTimerFired(generation: second.generation) == [])
    }

    @Test("a tunnel that the engine ended is asked for again while the channel goes on")
    func endedByEngine() throws {
        var random = SplitMix(seed: 1)
        var machine = online("a.example")
        let wait = try wait(machine.ended(reset, using: &random))
        #expect(machine.state == .pending)
        #expect(opened(machine.retryTimerFired(generation: wait.generation))?.hostname == "a.example")
    }

    @Test("a tunnel whose end was asked for stays closed")
    func endedAsAsked() {
        var random = SplitMix(seed: 1)
        var machine = online()
        #expect(machine.ended(nil, using: &random) == [])
        #expect(machine.state == .closed)
        _ = machine.channelLost()
        #expect(machine.channelOpened() == [])
    }

    @Test("a drain closes an open tunnel, which is then closed when the engine said so, or is gone")
    func drain() {
        var random = SplitMix(seed: 1)
        var answered = online()
        #expect(answered.drainRequested() == [.close(tunnelID: "t1")])
        #expect(answered.state == .draining)
        #expect(answered.drainRequested() == [])
        #expect(answered.ended(nil, using: &random) == [])
        #expect(answered.state == .closed)

        var lost = online()
        _ = lost.drainRequested()
        #expect(lost.channelLost() == [])
        #expect(lost.state == .closed)
    }

    @Test("a tunnel that is granted while it drains is given back, and holds its place until that is done")
    func grantedLate() {
        var random = SplitMix(seed: 1)
        var machine = opening()
        #expect(machine.drainRequested() == [])
        #expect(machine.state == .draining)
        #expect(machine.opened(granted(nil)) == [.close(tunnelID: "t1")])
        #expect(machine.state == .draining)
        #expect(machine.ended(nil, using: &random) == [])
        #expect(machine.state == .closed)
    }

    @Test("a tunnel that is refused while it drains is closed without a report")
    func refusedLate() {
        var random = SplitMix(seed: 1)
        var machine = opening()
        _ = machine.drainRequested()
        #expect(machine.openFailed(Self.refusal(.resourceConflict), using: &random) == [])
        #expect(machine.state == .closed)
    }

    @Test("a drained tunnel is never asked for again", arguments: 1...50 as ClosedRange<UInt64>)
    func staysDrained(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var machine = [self.machine(), opening(), online()].randomElement(using: &random) ?? self.machine()
        var timer = 0
        for _ in 0..<Int.random(in: 0..<10, using: &random) { _ = step(&machine, &timer, &random) }
        _ = machine.drainRequested()
        for _ in 0..<50 {
            for action in step(&machine, &timer, &random) {
                switch action {
                case .close: break
                case .open, .opened, .scheduleRetry: Issue.record("seed \(seed): \(action)")
                }
            }
        }
    }

    private func step(_ machine: inout TunnelStateMachine, _ timer: inout Int, _ random: inout SplitMix) -> [Action] {
        let actions =
            switch Int.random(in: 0..<8, using: &random) {
            case 0: machine.channelOpened()
            case 1: machine.channelLost()
            case 2: machine.opened(granted("a.example"))
            case 3: machine.openFailed(Self.refusal(.internalError), using: &random)
            case 4: machine.openFailed(Self.refusal(.unauthorized), using: &random)
            case 5: machine.ended(Bool.random(using: &random) ? reset : nil, using: &random)
            case 6: machine.retryRequested()
            default: machine.retryTimerFired(generation: timer)
            }
        for case .scheduleRetry(let generation, _, _) in actions { timer = generation }
        return actions
    }
}
