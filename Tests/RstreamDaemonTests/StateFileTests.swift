// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Dispatch
import FoundationEssentials
import Linux
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("A state file", .timeLimit(.hang))
struct StateFileTests {
    /// A file of words whose thread waits at a gate, and what it has said.
    private struct Slow {
        let file: StateFile<[String]>
        let gate = DispatchSemaphore(value: 0)
        let writes = Observed(0)
        let failures = Observed<[String]>([])

        init(_ path: String, isForeign: Bool = false) {
            let thread = BlockingThreads(most: 1)
            let (gate, writes, failures) = (gate, writes, failures)
            thread.submit { gate.wait() }
            file = StateFile(path, [], isForeign: isForeign, thread: thread) { file in
                writes.change { $0 += 1 }
                try file.replace(with: Data(file.withContent { $0 }.joined(separator: " ").utf8))
            } writeFailed: { _, reason in
                failures.change { $0.append(reason) }
            }
        }

        func add(_ word: String) {
            file.change { words in
                words.append(word)
                return true
            }
        }

        /// Lets the thread work; returns why the file was not written.
        func finish() async -> String? {
            gate.signal()
            return await file.waitUntilWritten(within: testTimeout)
        }
    }

    @Test("is written once for all changes until then, whose content is in force at once")
    func coalesced() async throws {
        try await TemporaryFolder.with { folder in
            let slow = Slow(folder.path(of: "words"))
            for word in ["a", "b", "c"] { slow.add(word) }
            slow.file.change { _ in false }
            #expect(slow.file.withContent { $0 } == ["a", "b", "c"])
            let before = try StateFile<[String]>.read(slow.file.path, limit: 10)
            #expect(before == nil)
            #expect(await slow.finish() == nil)
            #expect(slow.writes.value == 1)
            #expect(try folder.read("words") == "a b c")
            slow.add("d")
            #expect(await slow.finish() == nil)
            #expect(slow.writes.value == 2)
            #expect(try folder.read("words") == "a b c d")
        }
    }

    @Test("that is another process's is written when it is taken over, if it has changed")
    func foreign() async throws {
        try await TemporaryFolder.with { folder in
            let slow = Slow(folder.path(of: "words"), isForeign: true)
            slow.file.takeOver()
            slow.file.giveUp()
            slow.add("a")
            #expect(await slow.finish() == nil)
            #expect(slow.writes.value == 0)
            slow.file.takeOver()
            #expect(await slow.finish() == nil)
            #expect(slow.writes.value == 1)
            let changed = try folder.read("words")
            #expect(changed == "a")
            // Its owner may know better.
            slow.file.giveUp()
            slow.add("b")
            slow.file.takeOver { _ in false }
            #expect(await slow.finish() == nil)
            #expect(slow.writes.value == 1)
            slow.file.giveUp()
            slow.file.takeOver { words in
                words = ["c"]
                return true
            }
            #expect(await slow.finish() == nil)
            #expect(slow.writes.value == 2)
            #expect(try folder.read("words") == "c")
        }
    }

    @Test("that cannot be written says why until it can")
    func failure() async throws {
        try await TemporaryFolder.with { folder in
            let slow = Slow(folder.path(of: "missing/words"))
            slow.add("a")
            #expect(await slow.finish() == "No such file or directory")
            #expect(slow.failures.value == ["No such file or directory"])
            try FileManager.default.createDirectory(
                atPath: folder.path(of: "missing"),
                withIntermediateDirectories: false
            )
            slow.add("b")
            #expect(await slow.finish() == nil)
            #expect(slow.file.failure == nil && slow.failures.value.count == 1)
        }
    }
}
