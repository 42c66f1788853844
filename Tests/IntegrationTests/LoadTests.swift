// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import NIOCore
import NIOPosix
import RstreamModel
import RstreamTestSupport
import Synchronization
import Testing

extension Integration {
    @Suite struct LoadTests {
        /// A debug build hashes and encrypts too slowly for the full count.
        static let (sequential, parallel) = Binaries.areRelease ? (10_000, 500) : (1_000, 100)
        static let bytes = 64 * 1_024
        static let mebibyte = 1_024 * 1_024
        /// What the allocator cannot give back, because something small is still in use on every page of it.
        static let slack = 32 * mebibyte

        @Test("thousands of streams one after another, then hundreds at once, lose no byte and leave nothing behind")
        func streams() async throws {
            // All of them come at once, which is more than the defaults let wait.
            let settings = Pair.quick + "\nlimits: { pendingStreams: 1000 }"
            try await Upstream.exchanging { upstream in
                try await Pair.with(tunnels: Pair.raw(upstream), settings: settings) { pair in
                    let port = try await pair.rawPort()
                    let pid = pair.daemon.process.pid
                    print("load: \(Self.sequential) in a row, \(Self.parallel) at once, \(Self.bytes) bytes both ways")

                    // The first streams bring in what every stream uses.
                    for seed in 0..<100 { try await Self.visit(seed, port) }
                    try await pair.engine.wait { $0.relays == 0 }
                    let descriptors = ProcessFacts.descriptors(of: pid)
                    let memory = ProcessFacts.residentBytes(of: pid)

                    let clock = ContinuousClock()
                    let row = try await clock.measure {
                        for seed in 0..<Self.sequential { try await Self.visit(seed, port) }
                    }
                    let afterRow = ProcessFacts.residentBytes(of: pid)
                    let burst = try await clock.measure {
                        try await Self.atOnce(Self.parallel, from: 100_000, port)
                    }
                    try await pair.engine.wait { $0.relays == 0 }
                    let crowded = ProcessFacts.residentBytes(of: pid)
                    let left = try await ProcessFacts.settled(at: descriptors) { ProcessFacts.descriptors(of: pid) }
                    let kept = try await ProcessFacts.settled(at: memory + Self.slack) {
                        ProcessFacts.residentBytes(of: pid)
                    }
                    print(
                        """
                        load: in a row \(Int(Double(Self.sequential) / row.inSeconds)) streams/s (\(row.secondsText)), \
                        at once \(Int(Double(Self.parallel) / burst.inSeconds)) streams/s (\(burst.secondsText)); \
                        descriptors \(descriptors) before, \(left) after; \
                        memory \(memory / Self.mebibyte) MiB before, \(afterRow / Self.mebibyte) MiB after the row, \
                        \(crowded / Self.mebibyte) MiB after the crowd, \(kept / Self.mebibyte) MiB at the end
                        """
                    )
                    #expect(left <= descriptors)
                    #expect(kept <= memory + Self.slack)
                    #expect(pair.daemon.complaints().isEmpty)
                }
            }
        }

        private static func visit(_ seed: Int, _ port: Int) async throws {
            try await Visitor.exchange(Exchange(seed: UInt64(seed), upload: bytes, download: bytes), port: port)
        }

        /// Every stream stays open until all of them have their download.
        private static func atOnce(_ count: Int, from first: Int, _ port: Int) async throws {
            let all = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
            let missing = Countdown(from: count)
            do {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for seed in first..<first + count {
                        group.addTask {
                            let plan = Exchange(seed: UInt64(seed), upload: bytes, download: bytes)
                            try await Visitor.exchange(plan, port: port, mayEnd: all.futureResult) {
                                if missing.isLast() { all.succeed() }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            } catch {
                all.fail(error)
                throw error
            }
        }
    }
}

/// Tells the last one of many. Guarded by a mutex.
private final class Countdown: Sendable {
    private let left: Lock<Int>

    init(from count: Int) { left = Lock(count) }

    func isLast() -> Bool {
        left.withLock { left in
            left -= 1
            return left == 0
        }
    }
}
