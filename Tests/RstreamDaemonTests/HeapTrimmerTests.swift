// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import Testing

@testable import RstreamDaemon

@Suite("The heap trimmer")
struct HeapTrimmerTests {
    private static let megabyte = 1 << 20

    /// The looks, in order, at which memory is given back, when each one finds so many idle megabytes and giving back
    /// leaves `left`.
    private func trims(_ idle: [Int], left: Int, atFirst first: Int? = nil) -> [Int] {
        var trimmer = HeapTrimmer(idle: first.map { $0 * Self.megabyte })
        var trims: [Int] = []
        for (look, megabytes) in idle.enumerated() where trimmer.shouldTrim(idle: megabytes * Self.megabyte) {
            trims.append(look)
            trimmer.trimmed(idle: left * Self.megabyte)
        }
        return trims
    }

    @Test("does not trim while few bytes are idle beyond those of the start")
    func few() {
        #expect(trims([40, 47, 40, 47], left: 40) == [])
    }

    @Test("trims once after a burst")
    func once() {
        #expect(trims([10, 10, 60, 12, 12, 12], left: 12) == [2])
    }

    @Test("trims after a burst that was over before the first check")
    func early() {
        #expect(trims([20, 5, 5], left: 5, atFirst: 4) == [0])
        #expect(trims([11, 11, 11], left: 11, atFirst: 4) == [])
    }

    @Test("takes memory that a trim cannot return as the new floor")
    func floor() {
        #expect(trims([10, 60, 50, 50, 50, 50], left: 50) == [1])
        #expect(trims([10, 60, 50, 20, 20, 30], left: 50) == [1, 5])
    }

    @Test("waits longer each time that memory is needed again, half a minute at most")
    func rests() {
        let trims = trims([10] + Array(repeating: 60, count: 400), left: 10)
        let pauses = zip(trims, trims.dropFirst()).map { $1 - $0 }
        #expect(pauses.prefix(3) == [2, 3, 5])
        #expect(pauses.dropFirst(3).allSatisfy { $0 == 6 })
        #expect(HeapTrimmer.interval * 6 == .seconds(30))
    }

    @Test("sees memory that was freed and is still kept")
    func measured() async {
        // In its own process, where no other code allocates or frees memory.
        await #expect(processExitsWith: .success) {
            let before = try #require(Heap.idleBytes)
            // Small blocks, which are never mapped one by one; some stay, so that none joins the top.
            var blocks: [[UInt8]?] = (0..<200_000).map { _ in [UInt8](repeating: 1, count: 400) }
            for index in blocks.indices where index % 100 != 0 { blocks[index] = nil }
            let freed = try #require(Heap.idleBytes)
            try #require(freed - before >= 32 * Self.megabyte)
            Heap.trim()
            let after = try #require(Heap.idleBytes)
            try #require(freed - after >= 32 * Self.megabyte)
            try #require(blocks.count == 200_000)
        }
    }
}
