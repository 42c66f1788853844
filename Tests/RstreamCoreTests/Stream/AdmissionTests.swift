// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamTestSupport
import Testing

@Suite("streams start now, later, or not at all")
struct AdmissionTests {
    private enum Answer: Hashable {
        case start(Int)
        case wait
        case refuse
        case ignore

        init(_ decision: AdmissionStateMachine<Int>.Decision) {
            switch decision {
            case .start(let request): self = .start(request)
            case .wait: self = .wait
            case .refuse: self = .refuse
            case .ignore: self = .ignore
            }
        }
    }

    private func machine(active: Int, pending: Int, requests: Int = 0) -> AdmissionStateMachine<Int> {
        var machine = AdmissionStateMachine<Int>(active: active, pending: pending)
        for request in 0..<requests { _ = machine.requested("\(request)", request) }
        return machine
    }

    @Test("as many start as may run, as many wait as may wait, the rest is refused")
    func limits() {
        var machine = machine(active: 2, pending: 1)
        #expect(Answer(machine.requested("a", 1)) == .start(1))
        #expect(Answer(machine.requested("b", 2)) == .start(2))
        #expect(Answer(machine.requested("c", 3)) == .wait)
        #expect(Answer(machine.requested("d", 4)) == .refuse)
        #expect(["a", "b", "c", "d"].map { machine.isRunning($0) } == [true, true, false, false])
        #expect(["a", "b", "c", "d"].map { machine.contains($0) } == [true, true, true, false])
    }

    @Test("an id that runs or waits is in use")
    func inUse() {
        var machine = machine(active: 1, pending: 1, requests: 2)
        #expect(Answer(machine.requested("0", 9)) == .ignore)
        #expect(Answer(machine.requested("1", 9)) == .ignore)
        #expect(machine.finished("0") == 1)
        #expect(Answer(machine.requested("0", 9)) == .wait)
    }

    @Test("places are given in the order of arrival")
    func order() {
        var machine = machine(active: 2, pending: 3, requests: 5)
        #expect(machine.finished("1") == 2)
        #expect(machine.finished("0") == 3)
        #expect(machine.finished("3") == 4)
        #expect(machine.finished("2") == nil)
        #expect(machine.finished("4") == nil)
        #expect(machine.ended() == [])
    }

    @Test("other limits apply immediately: a higher one starts what waits, a lower one lets what runs end first")
    func otherLimits() {
        var machine = machine(active: 1, pending: 3, requests: 4)
        machine.limitsChanged(active: 3, pending: 1)
        #expect(machine.next() == 1)
        #expect(machine.next() == 2)
        #expect(machine.next() == nil)
        #expect(Answer(machine.requested("4", 4)) == .refuse)
        machine.limitsChanged(active: 1, pending: 2)
        #expect(machine.next() == nil)
        #expect(Answer(machine.requested("4", 4)) == .wait)
        #expect(machine.finished("0") == nil)
        #expect(machine.finished("1") == nil)
        #expect(machine.finished("2") == 3)
        #expect(machine.finished("3") == 4)
    }

    @Test("what waits, is not known or has ended frees no place")
    func needless() {
        var machine = machine(active: 1, pending: 2, requests: 3)
        #expect(machine.finished("1") == nil)
        #expect(machine.finished("nobody's") == nil)
        #expect(Answer(machine.requested("3", 3)) == .refuse)
        #expect(machine.finished("0") == 1)
        #expect(machine.finished("0") == nil)
        #expect(Answer(machine.requested("3", 3)) == .wait)
        #expect(Answer(machine.requested("4", 4)) == .refuse)
    }

    @Test("the end names what runs, and forgets everything")
    func end() {
        var machine = machine(active: 2, pending: 2, requests: 4)
        #expect(machine.ended() == ["0", "1"])
        #expect(machine.ended() == [])
        #expect(machine.finished("0") == nil)
        #expect(Answer(machine.requested("2", 9)) == .start(9))
        #expect(machine.finished("2") == nil)
    }

    @Test("limits that make no sense let one stream run and none wait")
    func oddLimits() {
        var machine = machine(active: 0, pending: -1)
        #expect(Answer(machine.requested("a", 1)) == .start(1))
        #expect(Answer(machine.requested("b", 2)) == .refuse)
    }

    @Test("any walk agrees with two plain lists", arguments: 1...50 as ClosedRange<UInt64>)
    func walk(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let active = Int.random(in: 1...4, using: &random)
        let pending = Int.random(in: 0...4, using: &random)
        var machine = AdmissionStateMachine<Int>(active: active, pending: pending)
        var running: [Int] = []
        var waiting: [Int] = []
        for step in 0..<2_000 {
            let id = Int.random(in: 0..<14, using: &random)
            switch Int.random(in: 0..<100, using: &random) {
            case 0:
                try #require(machine.ended() == running.map(String.init).sorted(), "seed \(seed), step \(step)")
                running = []
                waiting = []
            case ..<50:
                let expected: Answer
                if running.contains(id) || waiting.contains(id) {
                    expected = .ignore
                } else if running.count < active {
                    running.append(id)
                    expected = .start(id)
                } else if waiting.count < pending {
                    waiting.append(id)
                    expected = .wait
                } else {
                    expected = .refuse
                }
                try #require(Answer(machine.requested("\(id)", id)) == expected, "seed \(seed), step \(step)")
            default:
                var expected: Int?
                if let place = running.firstIndex(of: id) {
                    running.remove(at: place)
                    if !waiting.isEmpty {
                        expected = waiting.removeFirst()
                        running += [expected].compactMap { $0 }
                    }
                }
                try #require(machine.finished("\(id)") == expected, "seed \(seed), step \(step)")
            }
            let isHeld = running.contains(id) || waiting.contains(id)
            try #require(machine.isRunning("\(id)") == running.contains(id), "seed \(seed), step \(step)")
            try #require(machine.contains("\(id)") == isHeld, "seed \(seed), step \(step)")
        }
    }
}
