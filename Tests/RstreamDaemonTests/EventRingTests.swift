// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The ring of events", .timeLimit(.hang))
struct EventRingTests {
    private static let first = 5_000_000
    private static let time = UTCTime(milliseconds: 7)

    private let ring = EventRing(firstID: first) { time }

    private func publish(_ count: Int) {
        for _ in 0..<count { ring.publish("stream.opened") }
    }

    @Test("numbers events in a row, without a gap, and dates them")
    func numbers() {
        ring.publish("a") { $0.tunnel = "web" }
        publish(2)
        let reading = ring.read(from: Self.first)
        #expect(reading.events.map(\.id) == [Self.first, Self.first + 1, Self.first + 2])
        #expect(reading.events.first?.type == "a")
        #expect(reading.events.first?.tunnel == "web")
        #expect(reading.events.allSatisfy { $0.time == Self.time })
        #expect(reading.missed == 0 && !reading.isFromOtherProcess)
        #expect(reading.next == Self.first + 3)
        #expect(ring.next == Self.first + 3)
    }

    @Test("encodes an event once for all readers")
    func text() {
        publish(1)
        let made = Observed(0)
        let texts = (0..<60).map { _ in
            ring.read(from: Self.first).records.map { record in
                record.text { event in
                    made.change { $0 += 1 }
                    return event.type
                }
            }
        }
        #expect(texts.allSatisfy { $0 == ["stream.opened"] })
        #expect(made.value == 1)
    }

    @Test("starts above the numbers of a process that was started a second before")
    func restart() {
        let (before, after) = (UTCTime(milliseconds: 1_000), UTCTime(milliseconds: 2_000))
        #expect(EventRing.firstID(at: after) - EventRing.firstID(at: before) == 1_000_000)
    }

    @Test("keeps the latest 1,024 events and counts those that a reader has missed")
    func bounds() {
        publish(EventRing.capacity + 10)
        let reading = ring.read(from: Self.first + 3)
        #expect(reading.events.count == EventRing.capacity)
        #expect(reading.events.first?.id == Self.first + 10)
        #expect(reading.missed == 7)
        #expect(!reading.isFromOtherProcess)
        #expect(ring.read(from: Self.first + 10).missed == 0)
    }

    @Test("keeps fewer events where reloads have many changes, and the latest one of any size")
    func weight() {
        func reload(_ count: Int) {
            ring.publish("reload.applied") {
                $0.changes = Array(repeating: ReloadChange(tunnel: "web", action: .replace), count: count)
            }
        }
        let half = EventRing.maximumChanges / 2
        for count in [half, 0, half] { reload(count) }
        #expect(ring.read(from: EventRing.oldest).events.count == 3)
        reload(1)
        let reading = ring.read(from: Self.first)
        #expect(reading.events.map(\.id) == [Self.first + 1, Self.first + 2, Self.first + 3])
        #expect(reading.missed == 1)
        reload(2 * EventRing.maximumChanges)
        #expect(ring.read(from: EventRing.oldest).events.map(\.id) == [Self.first + 4])
        publish(2)
        #expect(ring.read(from: EventRing.oldest).events.count == 2)
    }

    @Test("returns everything to a reader of the oldest, and nothing counts as missed")
    func oldest() {
        publish(EventRing.capacity + 10)
        let reading = ring.read(from: EventRing.oldest)
        #expect(reading.events.count == EventRing.capacity)
        #expect(reading.missed == 0 && !reading.isFromOtherProcess)
    }

    @Test(
        "reports to a reader of another process's events that some may be missing",
        arguments: [1, 4_999_999, 9_000_000]
    )
    func elsewhere(next: Int) {
        publish(EventRing.capacity + 5)
        let reading = ring.read(from: next)
        #expect(reading.isFromOtherProcess)
        #expect(reading.missed == 5)
        #expect(reading.events.count == EventRing.capacity)
    }

    @Test("a wait for what is there already returns at once")
    func there() async {
        publish(1)
        #expect(await ring.wait(for: Self.first))
    }

    @Test("an event wakes every reader that waits for it, once")
    func wakes() async throws {
        let ring = ring
        try await within("all readers") {
            await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<100 { group.addTask { await ring.wait(for: Self.first) } }
                group.addTask {
                    ring.publish("a")
                    return true
                }
                for await woken in group { #expect(woken) }
            }
        }
    }

    @Test("a cancelled wait returns false at once and leaves no waiter")
    func cancelled() async throws {
        let ring = ring
        try await within("the end of a wait") {
            for _ in 0..<200 {
                let task = Task { await ring.wait(for: Self.first) }
                task.cancel()
                #expect(await task.value == false)
            }
        }
        publish(1)
        #expect(ring.read(from: Self.first).events.count == 1)
    }

    @Test("closing ends every wait, after what was published before has been read")
    func closed() async throws {
        let ring = ring
        try await within("the end of all waits") {
            await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<50 { group.addTask { await ring.wait(for: Self.first) } }
                group.addTask {
                    ring.close()
                    return false
                }
                for await woken in group { #expect(!woken) }
            }
        }
        publish(1)
        #expect(await ring.wait(for: Self.first))
        #expect(await !ring.wait(for: Self.first + 1))
    }

    @Test("the end of the last reader ends the wait for it")
    func unread() async throws {
        let ring = ring
        let isOver = Observed(false)
        let reader = Task {
            await ring.withReader {
                while await ring.wait(for: ring.next) {}
                _ = try? await isOver.wait(for: "the test") { $0 }
            }
        }
        ring.close()
        let waiter = Task { await ring.waitUntilUnread() }
        isOver.change { $0 = true }
        try await within("the last reader's end") { await waiter.value }
        await reader.value
    }

    /// Of their own: it takes many turns, and other tests take long ones.
    private static let threads = TaskThreads(count: 2)

    @Test(
        "each reader gets every event once and in order, or the number of missed ones"
    )
    func walk() async throws {
        let ring = ring
        let total = 20_000
        try await within("all readers", limit: testTimeout * 5) {
            try await withTaskExecutorPreference(Self.threads) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for seed in 0..<8 {
                        group.addTask {
                            var random = SplitMix(seed: UInt64(seed))
                            var next = Self.first
                            var accounted = 0
                            while accounted < total {
                                guard await ring.wait(for: next) else { break }
                                // Some readers are slow now and then.
                                for _ in 0..<Int.random(in: 0...seed, using: &random) { await Task.yield() }
                                let reading = ring.read(from: next)
                                accounted += reading.missed + reading.events.count
                                var wanted = next + reading.missed
                                for event in reading.events {
                                    guard event.id == wanted else {
                                        throw DeadlinePassed(what: "\(wanted)", state: "\(event)")
                                    }
                                    wanted += 1
                                }
                                #expect(reading.next == wanted)
                                next = reading.next
                            }
                            #expect(accounted == total)
                        }
                    }
                    group.addTask {
                        var random = SplitMix(seed: 99)
                        for _ in 0..<total {
                            ring.publish("a")
                            if Int.random(in: 0..<50, using: &random) == 0 { await Task.yield() }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }
}
