// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("how a stream's two halves end")
struct RelayStateMachineTests {
    typealias Half = RelayStateMachine.Half

    @Test("the end of one half's input closes the other half's output, and the other direction goes on")
    func halfClose() {
        for half in [Half.downstream, .upstream] {
            var machine = RelayStateMachine()
            #expect(machine.inputEnded(half) == .closeOutput(half.other))
            #expect(machine.outputClosed(half.other) == .none)
            #expect(machine != .finished)
        }
    }

    @Test("when both directions are done, both are closed, in whatever order they ended")
    func bothDone() {
        for half in [Half.downstream, .upstream] {
            var oneAfterTheOther = RelayStateMachine()
            _ = oneAfterTheOther.inputEnded(half)
            #expect(oneAfterTheOther.outputClosed(half.other) == .none)
            #expect(oneAfterTheOther.inputEnded(half.other) == .closeOutput(half))
            #expect(oneAfterTheOther.outputClosed(half) == .closeBoth)
            #expect(oneAfterTheOther == .finished)

            var overlapping = RelayStateMachine()
            _ = overlapping.inputEnded(half)
            _ = overlapping.inputEnded(half.other)
            #expect(overlapping.outputClosed(half) == .none)
            #expect(overlapping.outputClosed(half.other) == .closeBoth)

            var crossed = RelayStateMachine()
            _ = crossed.inputEnded(half)
            _ = crossed.inputEnded(half.other)
            #expect(crossed.outputClosed(half.other) == .none)
            #expect(crossed.outputClosed(half) == .closeBoth)
        }
    }

    @Test("an end that is said twice is heard once")
    func inputEndedTwice() {
        var machine = RelayStateMachine()
        #expect(machine.inputEnded(.downstream) == .closeOutput(.upstream))
        #expect(machine.inputEnded(.downstream) == .none)
        _ = machine.outputClosed(.upstream)
        #expect(machine.inputEnded(.downstream) == .none)
    }

    @Test("an output that closes without a request changes nothing")
    func needlessOutputClosed() {
        var machine = RelayStateMachine()
        #expect(machine.outputClosed(.upstream) == .none)
        #expect(machine == RelayStateMachine())
    }

    @Test("a half that breaks before it said that it was done takes the other with it")
    func cut() {
        for half in [Half.downstream, .upstream] {
            var machine = RelayStateMachine()
            #expect(machine.connectionLost(half, byReset: false) == .abort(half.other))
            #expect(machine == .finished)

            // Also when the other direction had ended, or was done.
            var ended = RelayStateMachine()
            _ = ended.inputEnded(half.other)
            #expect(ended.connectionLost(half, byReset: false) == .abort(half.other))
            var done = RelayStateMachine()
            _ = done.inputEnded(half.other)
            _ = done.outputClosed(half)
            #expect(done.connectionLost(half, byReset: false) == .abort(half.other))
        }
    }

    @Test("what was read from a half that broke after its end is still delivered, and nothing more read for it")
    func delivering() {
        for half in [Half.downstream, .upstream] {
            var machine = RelayStateMachine()
            _ = machine.inputEnded(half)
            #expect(machine.connectionLost(half, byReset: true) == .stopReading(half.other))
            #expect(machine == .delivering(half.other, hasEnded: false))
            #expect(machine.inputEnded(half.other) == .none)
            #expect(machine.outputClosed(half) == .none)
            #expect(machine.connectionLost(half, byReset: true) == .none)
            #expect(machine == .delivering(half.other, hasEnded: true))
            #expect(machine.outputClosed(half.other) == .closeBoth)
            #expect(machine == .finished)
        }
    }

    /// A service that was heard to its end, all of which was delivered, and is gone; its visitor has not ended.
    private static func left(byReset isReset: Bool = false) -> (RelayStateMachine, RelayStateMachine.Action) {
        var machine = RelayStateMachine()
        _ = machine.inputEnded(.upstream)
        _ = machine.outputClosed(.downstream)
        let action = machine.connectionLost(.upstream, byReset: isReset)
        return (machine, action)
    }

    @Test("a visitor who goes on speaking to a service that is gone is dismissed; one that ends is closed in order")
    func lingering() {
        let (left, action) = Self.left()
        #expect(action == .linger(.downstream))
        #expect(left == .lingering(.downstream))
        for (event, expected) in [
            ({ $0.bytesArrived(.downstream) }, .dismiss(.downstream)),
            ({ $0.inputEnded(.downstream) }, .closeBoth),
            ({ $0.lingerTimedOut() }, .closeBoth),
            ({ $0.connectionLost(.downstream, byReset: true) }, .none),
        ] as [((inout RelayStateMachine) -> RelayStateMachine.Action, RelayStateMachine.Action)] {
            var machine = left
            #expect(machine.bytesArrived(.upstream) == .none)
            #expect(machine.inputEnded(.upstream) == .none)
            let action = event(&machine)
            #expect(action == expected)
            #expect(machine == .finished)
            #expect(machine.bytesArrived(.downstream) == .none)
            #expect(machine.lingerTimedOut() == .none)
        }
    }

    @Test("a service that resets after its end does so because its visitor speaks, who is dismissed at once")
    func resetAfterEnd() {
        let (machine, action) = Self.left(byReset: true)
        #expect(action == .dismiss(.downstream))
        #expect(machine == .finished)
    }

    @Test("what a service that broke after its end has said is delivered first, then its visitor may linger")
    func deliveringThenLingering() {
        var machine = RelayStateMachine()
        _ = machine.inputEnded(.upstream)
        _ = machine.connectionLost(.upstream, byReset: true)
        #expect(machine.bytesArrived(.downstream) == .none)
        #expect(machine.outputClosed(.downstream) == .linger(.downstream))
    }

    @Test("a local half whose engine's half is gone is closed at once: its kernel tells it")
    func localHalf() {
        var machine = RelayStateMachine()
        _ = machine.inputEnded(.downstream)
        _ = machine.outputClosed(.upstream)
        #expect(machine.connectionLost(.downstream, byReset: true) == .closeBoth)
    }

    @Test("when the other half breaks too there is nothing left to do")
    func deliveringLost() {
        var machine = RelayStateMachine()
        _ = machine.inputEnded(.upstream)
        _ = machine.connectionLost(.upstream, byReset: false)
        #expect(machine.connectionLost(.downstream, byReset: false) == .none)
        #expect(machine == .finished)
    }

    @Test("a half that breaks when everything it said was delivered closes both")
    func lostWhenDone() {
        for half in [Half.downstream, .upstream] {
            var machine = RelayStateMachine()
            _ = machine.inputEnded(half)
            _ = machine.outputClosed(half.other)
            _ = machine.inputEnded(half.other)
            #expect(machine.connectionLost(half, byReset: false) == .closeBoth)
            #expect(machine == .finished)
        }
    }

    @Test("a finished relay stays finished")
    func finished() {
        for half in [Half.downstream, .upstream] {
            var machine = RelayStateMachine.finished
            #expect(machine.inputEnded(half) == .none)
            #expect(machine.outputClosed(half) == .none)
            #expect(machine.connectionLost(half, byReset: false) == .none)
            #expect(machine == .finished)
        }
    }

    @Test("halves are each other's other")
    func other() {
        #expect(Half.downstream.other == .upstream)
        #expect(Half.upstream.other == .downstream)
    }

    /// What is known of the connections, to judge the machine by.
    private struct World {
        var ended: Set<Half> = []
        var outputToClose: Set<Half> = []
        var outputClosed: Set<Half> = []
        var lost: Set<Half> = []
        /// Halves that broke before they said that they were done.
        var cut: Set<Half> = []

        /// Whether nothing more will go from `half` to the other.
        func isOver(from half: Half) -> Bool {
            cut.contains(half) || lost.contains(half.other)
                || ended.contains(half) && outputClosed.contains(half.other)
        }

        /// The engine's half is looked at before it is closed, when the other one is gone and it has not ended.
        func isLeft(_ machine: RelayStateMachine) -> Bool {
            machine == .lingering(.downstream) && lost == [.upstream] && !ended.contains(.downstream)
        }

        var isOver: Bool { isOver(from: .downstream) && isOver(from: .upstream) }
    }

    @Test(
        "any walk ends once, never before both directions are over, and then at once",
        arguments: 1...400 as ClosedRange<UInt64>
    )
    func walk(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var machine = RelayStateMachine()
        var world = World()
        var actions: [RelayStateMachine.Action] = []
        var inputs: [String] = []
        for _ in 0..<40 {
            let half: Half = Bool.random(using: &random) ? .downstream : .upstream
            let before = machine
            let action: RelayStateMachine.Action
            switch Int.random(in: 0..<6, using: &random) {
            case 5:
                // A half that is gone, or has ended, says nothing more.
                guard !world.lost.contains(half), !world.ended.contains(half) else { continue }
                inputs.append("\(half) bytesArrived")
                action = machine.bytesArrived(half)
            case 0, 1:
                // A half that is gone says nothing more.
                guard !world.lost.contains(half) else { continue }
                if before != .finished { world.ended.insert(half) }
                inputs.append("input of \(half) ended")
                action = machine.inputEnded(half)
            case 2, 3:
                // Outputs close when they were told to.
                guard world.outputToClose.contains(half), !world.lost.contains(half) else { continue }
                world.outputClosed.insert(half)
                inputs.append("output of \(half) closed")
                action = machine.outputClosed(half)
            default:
                if world.lost.insert(half).inserted, !world.ended.contains(half) { world.cut.insert(half) }
                inputs.append("\(half) lost")
                action = machine.connectionLost(half, byReset: Bool.random(using: &random))
            }
            let story = "seed \(seed): \(inputs), then \(action)"
            if before == .finished { try #require(action == .none, "\(story)") }
            if case .closeOutput(let output) = action { world.outputToClose.insert(output) }
            if action == .closeBoth { try #require(world.isOver, "\(story)") }
            if case .dismiss(let other) = action {
                try #require(other == .downstream && world.isOver && !world.ended.contains(other), "\(story)")
            }
            if case .abort(let other) = action { try #require(world.cut.contains(other.other), "\(story)") }
            try #require((machine == .finished) == (world.isOver && !world.isLeft(machine)), "\(story)")
            if action != .none { actions.append(action) }
        }
        try #require(Set(actions).count == actions.count, "seed \(seed): \(inputs) repeated one of \(actions)")
        let endings = actions.filter { action in
            switch action {
            case .abort, .dismiss, .closeBoth: true
            case .none, .closeOutput, .stopReading, .linger: false
            }
        }
        try #require(endings.count <= 1, "seed \(seed): \(inputs) ended with \(endings)")
    }
}
