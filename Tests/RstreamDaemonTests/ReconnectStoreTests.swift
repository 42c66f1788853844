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

    private func place(_ name: String, token: String, engine: String = "a:443") throws -> ReconnectStore.Place {
        let context = ContextDefinition(
            name: name,
            engine: .address(try EngineAddress("a:443")),
            credential: .tokenFile(path: token)
        )
        return ReconnectStore.Place(context, engine: engine)
    }

    @Test("is there after a restart, for its context, its engine and the same credential only")
    func kept() async throws {
        try await TemporaryFolder.with { folder in
            let log = LogCapture()
            let token = try folder.write("one", to: "token")
            let main = try place("main", token: token)
            let store = ReconnectStore(directory: folder.path, logger: log.logger)
            #expect(store.schedule(of: main) == nil)
            store.keep(Self.schedule, of: main)
            await store.waitUntilKept(within: patience)
            let next = ReconnectStore(directory: folder.path, logger: log.logger)
            #expect(next.schedule(of: main) == Self.schedule)
            #expect(next.schedule(of: try place("other", token: token)) == nil)
            #expect(next.schedule(of: try place("main", token: token, engine: "b:443")) == nil)
            try folder.write("another", to: "token")
            #expect(next.schedule(of: try place("main", token: token)) == nil, "a mended token is tried at once")
            next.keep(nil, of: main)
            await next.waitUntilKept(within: patience)
            #expect(ReconnectStore(directory: folder.path, logger: log.logger).schedule(of: main) == nil)
            #expect(log.lines.value.isEmpty)
        }
    }

    @Test("outlives a credential that systemd makes anew, and a variable's token, until there is another secret in it")
    func contents() async throws {
        try await TemporaryFolder.with { folder in
            let store = ReconnectStore(directory: folder.path, logger: LogCapture().logger)
            func place(_ credential: ConfiguredCredential) throws -> ReconnectStore.Place {
                let engine = EngineLocation.address(try EngineAddress("a:443"))
                let context = ContextDefinition(name: "main", engine: engine, credential: credential)
                return ReconnectStore.Place(context, engine: "a:443")
            }
            func credential(_ text: String?) throws -> ConfiguredCredential {
                unlink("\(folder.path)/credential")
                if let text { try folder.write(text, to: "credential") }
                return .tokenCredential(path: "\(folder.path)/credential")
            }
            store.keep(Self.schedule, of: try place(try credential("one")))
            #expect(store.schedule(of: try place(try credential("one"))) == Self.schedule)
            #expect(store.schedule(of: try place(try credential("two"))) == nil)
            #expect(store.schedule(of: try place(try credential(nil))) == nil)
            store.keep(Self.schedule, of: try place(.token(Secret("one"))))
            #expect(store.schedule(of: try place(.token(Secret("one")))) == Self.schedule)
            #expect(store.schedule(of: try place(.token(Secret("two")))) == nil)
            await store.waitUntilKept(within: patience)
        }
    }

    @Test("is decided at once and written by its thread, once for all that changed, while the disk takes its time")
    func coalesced() async throws {
        try await TemporaryFolder.with { folder in
            let log = LogCapture()
            let token = try folder.write("one", to: "token")
            let (thread, gate) = (BlockingThreads(most: 1), DispatchSemaphore(value: 0))
            let store = ReconnectStore(directory: folder.path, thread: thread, logger: log.logger)
            thread.submit { gate.wait() }
            let places = try (0..<100).map { try place("c\($0)", token: token) }
            for place in places { store.keep(Self.schedule, of: place) }
            #expect(places.allSatisfy { store.schedule(of: $0) == Self.schedule })
            #expect(throws: (any Error).self) { try folder.read("reconnect.json") }
            // A stop does not wait for ever.
            await store.waitUntilKept(within: .zero)
            #expect(throws: (any Error).self) { try folder.read("reconnect.json") }
            gate.signal()
            await store.waitUntilKept(within: patience)
            let next = ReconnectStore(directory: folder.path, logger: log.logger)
            #expect(places.allSatisfy { next.schedule(of: $0) == Self.schedule })
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
            for index in 0..<10 { store.keep(old, of: try place("gone\(index)", token: token)) }
            store.keep(Self.schedule, of: try place("main", token: token))
            await store.waitUntilKept(within: patience)
            let text = try folder.read("reconnect.json")
            #expect(!text.contains("gone") && !text.contains("very-secret") && text.contains("main"))
        }
    }

    @Test("that cannot be read or kept costs the waits and nothing else", arguments: ["", "{", "[1]", "[[[["])
    func broken(text: String) async throws {
        try await TemporaryFolder.with { folder in
            let log = LogCapture()
            try folder.write(text, to: "reconnect.json")
            let token = try folder.write("one", to: "token")
            let store = ReconnectStore(directory: folder.path, logger: log.logger)
            #expect(log.lines("the reconnect schedule cannot be read, dialing at once").count == 1)
            store.keep(Self.schedule, of: try place("main", token: token))
            await store.waitUntilKept(within: patience)
            let next = ReconnectStore(directory: folder.path, logger: log.logger)
            #expect(next.schedule(of: try place("main", token: token)) == Self.schedule)
            let nowhere = ReconnectStore(directory: folder.path + "/missing", logger: log.logger)
            nowhere.keep(Self.schedule, of: try place("main", token: token))
            await nowhere.waitUntilKept(within: patience)
            #expect(log.lines("the reconnect schedule cannot be kept, a restart dials at once").count == 1)
        }
    }
}
