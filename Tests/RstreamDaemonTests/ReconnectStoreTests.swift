// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Dispatch
import Glibc
import Linux
import RstreamConfig
import RstreamCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The reconnect schedule")
struct ReconnectStoreTests {
    private static let schedule = ReconnectSchedule(
        attempt: 2,
        isRejected: true,
        nextAttemptAt: UTCTime(milliseconds: UTCTime.now.milliseconds + 60_000)
    )

    private func key(_ name: String, token: String, engine: String = "a:443") throws -> ReconnectStore.Key {
        let context = ContextDefinition(
            name: name,
            engine: .address(try EngineAddress("a:443")),
            credential: .tokenFile(path: token)
        )
        return ReconnectStore.Key(context, engine: engine)
    }

    @Test("is kept over a restart, for its context, its engine and the same credential only")
    func kept() async throws {
        try await TemporaryFolder.with { folder in
            let log = LogCapture()
            let token = try folder.write("one", to: "token")
            let main = try key("main", token: token)
            let store = ReconnectStore(directory: folder.path, logger: log.logger)
            #expect(store.schedule(of: main) == nil)
            store.set(Self.schedule, of: main)
            await store.waitUntilWritten(within: testTimeout)
            let next = ReconnectStore(directory: folder.path, logger: log.logger)
            #expect(next.schedule(of: main) == Self.schedule)
            #expect(next.schedule(of: try key("other", token: token)) == nil)
            #expect(next.schedule(of: try key("main", token: token, engine: "b:443")) == nil)
            try folder.write("another", to: "token")
            #expect(next.schedule(of: try key("main", token: token)) == nil, "a corrected token is tried at once")
            next.set(nil, of: main)
            await next.waitUntilWritten(within: testTimeout)
            #expect(ReconnectStore(directory: folder.path, logger: log.logger).schedule(of: main) == nil)
            #expect(log.lines.value.isEmpty)
        }
    }

    @Test("is kept while a systemd credential or a variable's token has the same secret")
    func contents() async throws {
        try await TemporaryFolder.with { folder in
            let store = ReconnectStore(directory: folder.path, logger: LogCapture().logger)
            func key(_ credential: ConfiguredCredential) throws -> ReconnectStore.Key {
                let engine = EngineLocation.address(try EngineAddress("a:443"))
                let context = ContextDefinition(name: "main", engine: engine, credential: credential)
                return ReconnectStore.Key(context, engine: "a:443")
            }
            func credential(_ text: String?) throws -> ConfiguredCredential {
                unlink("\(folder.path)/credential")
                if let text { try folder.write(text, to: "credential") }
                return .tokenCredential(path: "\(folder.path)/credential")
            }
            store.set(Self.schedule, of: try key(try credential("one")))
            #expect(store.schedule(of: try key(try credential("one"))) == Self.schedule)
            #expect(store.schedule(of: try key(try credential("two"))) == nil)
            #expect(store.schedule(of: try key(try credential(nil))) == nil)
            store.set(Self.schedule, of: try key(.token(Secret("one"))))
            #expect(store.schedule(of: try key(.token(Secret("one")))) == Self.schedule)
            #expect(store.schedule(of: try key(.token(Secret("two")))) == nil)
            await store.waitUntilWritten(within: testTimeout)
        }
    }

    @Test("is in force at once and written by its thread, once for all changes, however slow the disk")
    func coalesced() async throws {
        try await TemporaryFolder.with { folder in
            let log = LogCapture()
            let token = try folder.write("one", to: "token")
            let (thread, gate) = (BlockingThreads(most: 1), DispatchSemaphore(value: 0))
            let store = ReconnectStore(directory: folder.path, thread: thread, logger: log.logger)
            thread.submit { gate.wait() }
            let keys = try (0..<100).map { try key("c\($0)", token: token) }
            for key in keys { store.set(Self.schedule, of: key) }
            #expect(keys.allSatisfy { store.schedule(of: $0) == Self.schedule })
            #expect(throws: (any Error).self) { try folder.read("reconnect.json") }
            // A stop does not wait for ever.
            await store.waitUntilWritten(within: .zero)
            #expect(throws: (any Error).self) { try folder.read("reconnect.json") }
            gate.signal()
            await store.waitUntilWritten(within: testTimeout)
            let next = ReconnectStore(directory: folder.path, logger: log.logger)
            #expect(keys.allSatisfy { next.schedule(of: $0) == Self.schedule })
        }
    }

    @Test("is forgotten with its context, and holds no secret")
    func bounded() async throws {
        try await TemporaryFolder.with { folder in
            let log = LogCapture()
            let token = try folder.write("very-secret", to: "token")
            let store = ReconnectStore(directory: folder.path, logger: log.logger)
            var old = Self.schedule
            old.nextAttemptAt = UTCTime.now.advanced(by: .seconds(-90_000))
            for index in 0..<10 { store.set(old, of: try key("gone\(index)", token: token)) }
            store.set(Self.schedule, of: try key("main", token: token))
            await store.waitUntilWritten(within: testTimeout)
            let text = try folder.read("reconnect.json")
            #expect(!text.contains("gone") && !text.contains("very-secret") && text.contains("main"))
        }
    }

    @Test("that cannot be read or written costs only the waits", arguments: ["", "{", "[1]", "[[[["])
    func broken(text: String) async throws {
        try await TemporaryFolder.with { folder in
            let log = LogCapture()
            try folder.write(text, to: "reconnect.json")
            let token = try folder.write("one", to: "token")
            let store = ReconnectStore(directory: folder.path, logger: log.logger)
            #expect(log.lines("reconnect file read failed").count == 1)
            store.set(Self.schedule, of: try key("main", token: token))
            await store.waitUntilWritten(within: testTimeout)
            let next = ReconnectStore(directory: folder.path, logger: log.logger)
            #expect(next.schedule(of: try key("main", token: token)) == Self.schedule)
            let nowhere = ReconnectStore(directory: folder.path + "/missing", logger: log.logger)
            nowhere.set(Self.schedule, of: try key("main", token: token))
            await nowhere.waitUntilWritten(within: testTimeout)
            #expect(log.lines("reconnect file write failed").count == 1)
        }
    }
}
