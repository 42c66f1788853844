// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Dispatch
import FoundationEssentials
import Glibc
import Linux
import Logging
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("Generated host names")
struct HostnameStoreTests {
    private func store(_ folder: TemporaryFolder, _ log: LogCapture = LogCapture()) -> HostnameStore {
        HostnameStore(directory: folder.path, logger: log.logger)
    }

    private func waitUntilWritten(_ store: HostnameStore) async { await store.waitUntilWritten(within: testTimeout) }

    @Test("are the same after a restart, and differ by tunnel and by engine")
    func stable() async throws {
        try await TemporaryFolder.with { folder in
            var random = SystemRandomNumberGenerator()
            let one = try EngineAddress("one.engine.test")
            let two = try EngineAddress("two.engine.test")
            let first = store(folder)
            let names = [
                first.hostname(for: "web", at: one, using: &random),
                first.hostname(for: "api", at: one, using: &random),
                first.hostname(for: "web", at: two, using: &random),
            ]
            #expect(Set(names).count == 3)
            #expect(names[0]?.hasSuffix("-one.t.engine.test") == true)
            await waitUntilWritten(first)
            let second = store(folder)
            #expect(second.hostname(for: "web", at: one, using: &random) == names[0])
            #expect(second.hostname(for: "api", at: one, using: &random) == names[1])
            #expect(second.hostname(for: "web", at: two, using: &random) == names[2])
        }
    }

    @Test("are appended without rewriting the others")
    func many() async throws {
        try await TemporaryFolder.with { folder in
            var random = SystemRandomNumberGenerator()
            let engine = try EngineAddress("one.engine.test")
            let first = store(folder)
            var names = [first.hostname(for: "0", at: engine, using: &random)]
            await waitUntilWritten(first)
            let inode = try inode(of: folder)
            for index in 1..<1_000 { names.append(first.hostname(for: "\(index)", at: engine, using: &random)) }
            await waitUntilWritten(first)
            #expect(try inode == self.inode(of: folder))
            #expect(try folder.read("hostnames.json").split(separator: "\n").count == 1_000)
            let log = LogCapture()
            let second = store(folder, log)
            for index in 0..<1_000 {
                #expect(second.hostname(for: "\(index)", at: engine, using: &random) == names[index])
            }
            #expect(try inode == self.inode(of: folder))
            #expect(log.lines.value.isEmpty)
        }
    }

    @Test("are removed, the oldest first, when too many of their tunnels are no longer configured")
    func forgotten() async throws {
        try await TemporaryFolder.with { folder in
            var random = SystemRandomNumberGenerator()
            let engine = try EngineAddress("one.engine.test")
            let first = store(folder)
            let count = HostnameStore.spareLimit + 10
            var names: [String?] = []
            for index in 0..<count { names.append(first.hostname(for: "\(index)", at: engine, using: &random)) }
            first.retain(Set((0..<count).map(String.init)))
            await waitUntilWritten(first)
            #expect(try folder.read("hostnames.json").split(separator: "\n").count == count)
            first.retain(["0"])
            await waitUntilWritten(first)
            #expect(try folder.read("hostnames.json").split(separator: "\n").count == HostnameStore.spareLimit + 1)
            let second = store(folder)
            for index in [0, 10, count - 1] {
                #expect(second.hostname(for: "\(index)", at: engine, using: &random) == names[index])
            }
            #expect(second.hostname(for: "1", at: engine, using: &random) != names[1])
        }
    }

    /// A store whose thread waits at a gate, as for a disk that takes its time.
    private func slowStore(_ folder: TemporaryFolder) -> (store: HostnameStore, gate: DispatchSemaphore) {
        let (thread, gate) = (BlockingThreads(most: 1), DispatchSemaphore(value: 0))
        thread.submit { gate.wait() }
        let store = HostnameStore(directory: folder.path, thread: thread, logger: LogCapture().logger)
        return (store, gate)
    }

    @Test("are usable at once and written by the store's thread in order, however slow the disk")
    func written() async throws {
        try await TemporaryFolder.with { folder in
            var random = SystemRandomNumberGenerator()
            let engine = try EngineAddress("one.engine.test")
            let (first, gate) = slowStore(folder)
            let names = (0..<10).map { first.hostname(for: "\($0)", at: engine, using: &random) }
            #expect((0..<10).map { first.hostname(for: "\($0)", at: engine, using: &random) } == names)
            #expect(throws: (any Error).self) { try folder.read("hostnames.json") }
            // A stop does not wait for ever.
            await first.waitUntilWritten(within: .zero)
            #expect(throws: (any Error).self) { try folder.read("hostnames.json") }
            gate.signal()
            await waitUntilWritten(first)
            let lines = try folder.read("hostnames.json").split(separator: "\n")
            #expect(lines.count == 10)
            #expect(zip(lines, names).allSatisfy { line, name in line.contains(name ?? "no name") })
        }
    }

    @Test("that are added while others are removed are kept, and removed ones are gone")
    func forgottenMeanwhile() async throws {
        try await TemporaryFolder.with { folder in
            var random = SystemRandomNumberGenerator()
            let engine = try EngineAddress("one.engine.test")
            let first = store(folder)
            for index in 0...HostnameStore.spareLimit {
                _ = first.hostname(for: "\(index)", at: engine, using: &random)
            }
            await waitUntilWritten(first)
            let (second, gate) = slowStore(folder)
            _ = second.hostname(for: "new", at: engine, using: &random)
            second.retain(["new", "newer"])
            let name = second.hostname(for: "newer", at: engine, using: &random)
            gate.signal()
            await waitUntilWritten(second)
            let text = try folder.read("hostnames.json")
            #expect(text.split(separator: "\n").count == HostnameStore.spareLimit + 2)
            #expect(!text.contains(#""tunnel":"0""#))
            #expect(store(folder).hostname(for: "newer", at: engine, using: &random) == name)
        }
    }

    private func inode(of folder: TemporaryFolder) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.path(of: "hostnames.json"))
        return try #require(attributes[.systemFileNumber] as? Int)
    }

    @Test("lose only the one whose write was truncated, and the file is intact afterwards")
    func torn() async throws {
        try await TemporaryFolder.with { folder in
            var random = SystemRandomNumberGenerator()
            let engine = try EngineAddress("one.engine.test")
            let first = store(folder)
            let kept = first.hostname(for: "web", at: engine, using: &random)
            await waitUntilWritten(first)
            let length = try folder.read("hostnames.json").utf8.count
            let lost = first.hostname(for: "api", at: engine, using: &random)
            await waitUntilWritten(first)
            let whole = try folder.read("hostnames.json").utf8
            for end in length...whole.count {
                try folder.write(String(decoding: whole.prefix(end), as: UTF8.self), to: "hostnames.json")
                let log = LogCapture()
                let second = store(folder, log)
                #expect(second.hostname(for: "web", at: engine, using: &random) == kept)
                let again = second.hostname(for: "api", at: engine, using: &random)
                // Only the end of the line may be missing for the name to be there.
                #expect((again == lost) == (end >= whole.count - 1))
                #expect(log.lines.value.isEmpty == (end == length || end >= whole.count - 1))
                _ = second.hostname(for: "db", at: engine, using: &random)
                await waitUntilWritten(second)
                let healed = LogCapture()
                #expect(store(folder, healed).hostname(for: "api", at: engine, using: &random) == again)
                #expect(healed.lines.value.isEmpty)
            }
        }
    }

    @Test("are not made for an engine that has no project's name")
    func none() async throws {
        try await TemporaryFolder.with { folder in
            var random = SystemRandomNumberGenerator()
            let store = store(folder)
            for engine in ["127.0.0.1:443", "localhost", "[::1]:443"] {
                let address = try EngineAddress(engine)
                #expect(store.hostname(for: "web", at: address, using: &random) == nil)
            }
            await waitUntilWritten(store)
            #expect(throws: (any Error).self) { try folder.read("hostnames.json") }
        }
    }

    @Test(
        "are generated again, with a warning, when the file is damaged",
        arguments: ["", "{", "{}\n", "[]\n", "{\"engine\":1,\"tunnel\":\"web\",\"hostname\":\"x\"}\n"]
    )
    func damaged(text: String) async throws {
        try await TemporaryFolder.with { folder in
            try folder.write(text, to: "hostnames.json")
            var random = SystemRandomNumberGenerator()
            let engine = try EngineAddress("one.engine.test")
            let log = LogCapture()
            let first = store(folder, log)
            let name = first.hostname(for: "web", at: engine, using: &random)
            #expect(name != nil)
            await waitUntilWritten(first)
            #expect(log.lines("hostnames file read failed").count == 1)
            #expect(store(folder).hostname(for: "web", at: engine, using: &random) == name)
        }
    }

    @Test("that are invalid are replaced")
    func forged() async throws {
        try await TemporaryFolder.with { folder in
            let entry = #"{"engine":"one.engine.test:443","tunnel":"web","hostname":"no name!"}"#
            try folder.write(entry + "\n", to: "hostnames.json")
            var random = SystemRandomNumberGenerator()
            let name = store(folder).hostname(for: "web", at: try EngineAddress("one.engine.test"), using: &random)
            #expect(name?.hasSuffix("-one.t.engine.test") == true)
        }
    }

    @Test("cost only a warning when they cannot be written")
    func unwritable() async throws {
        try await TemporaryFolder.with { folder in
            let log = LogCapture()
            let store = HostnameStore(directory: folder.path(of: "missing"), logger: log.logger)
            var random = SystemRandomNumberGenerator()
            let engine = try EngineAddress("one.engine.test")
            let name = store.hostname(for: "web", at: engine, using: &random)
            #expect(name != nil)
            #expect(store.hostname(for: "web", at: engine, using: &random) == name)
            await waitUntilWritten(store)
            #expect(log.lines(at: .warning).count == 1)
        }
    }
}
