// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Logging
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The tunnels that are disabled until they are enabled", .timeLimit(.hang))
struct DisabledStoreTests {
    private static func store(_ folder: TemporaryFolder, _ log: LogCapture = LogCapture()) -> DisabledStore {
        DisabledStore(directory: folder.path, logger: log.logger)
    }

    private static func written(_ store: DisabledStore) async -> String? {
        await store.waitUntilWritten(within: testTimeout)
    }

    @Test("are known to the next process, until they are enabled")
    func outlives() async throws {
        try await TemporaryFolder.with { folder in
            let first = Self.store(folder)
            #expect(first.names.isEmpty)
            first.set(["web", "db", "web"], isDisabled: true)
            #expect(await Self.written(first) == nil)
            #expect(Self.store(folder).names == ["web", "db"])
            let second = Self.store(folder)
            second.set(["web", "other"], isDisabled: false)
            #expect(second.names == ["db"])
            #expect(await Self.written(second) == nil)
            #expect(Self.store(folder).names == ["db"])
        }
    }

    @Test("are kept while they are not configured, the latest of them")
    func spare() async throws {
        try await TemporaryFolder.with { folder in
            let store = Self.store(folder)
            let names = (0..<(DisabledStore.spareLimit + 3)).map { "t\($0)" }
            store.set(names, isDisabled: true)
            store.retain(["t0"])
            #expect(store.names == Set(names).subtracting(["t1", "t2"]))
        }
    }

    @Test("a damaged file, and one that cannot be written, are errors in the log", arguments: [false, true])
    func damage(isMissingFolder: Bool) async throws {
        try await TemporaryFolder.with { folder in
            let log = LogCapture()
            if isMissingFolder {
                let store = DisabledStore(directory: folder.path(of: "missing"), logger: log.logger)
                store.set(["web"], isDisabled: true)
                #expect(await Self.written(store) != nil)
                #expect(log.lines("disabled tunnels file write failed").map(\.level) == [.error])
                // The daemon itself goes by what it was told.
                #expect(store.names == ["web"])
            } else {
                try folder.write("{", to: "disabled.json")
                #expect(Self.store(folder, log).names.isEmpty)
                #expect(log.lines("disabled tunnels file read failed").map(\.level) == [.error])
            }
        }
    }
}
