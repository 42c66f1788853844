// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamConfig
import RstreamTestSupport
import Testing

@Suite("files that changed since they were read")
struct FileStampTests {
    /// Whether a configuration of `main.yaml` and `tunnels.d/*.yaml` is outdated after `change`.
    private func isOutdated(by change: (TemporaryFolder) throws -> Void) async throws -> Bool {
        try await TemporaryFolder.with { folder in
            let path = try folder.write("version: 1\n", to: "main.yaml")
            try folder.makeFolder("tunnels.d")
            try folder.write("version: 1\ntunnels: []\n", to: "tunnels.d/web.yaml")
            let configuration = try ConfigurationLoader(environment: [:]).load(path).configuration
            try change(folder)
            return configuration.stamps.areOutdated(patterns: configuration.includes)
        }
    }

    @Test("are none when nothing happened but reading, or something beside them")
    func same() async throws {
        #expect(try await !isOutdated { _ in })
        #expect(try await !isOutdated { _ = try $0.read("main.yaml") })
        #expect(try await !isOutdated { try $0.write("", to: "tunnels.d/web.txt") })
        #expect(try await !isOutdated { try $0.write("", to: "other.yaml") })
    }

    @Test("are those that were written, also with the same content, removed, added, or given other permissions")
    func changed() async throws {
        #expect(try await isOutdated { try $0.write("version: 1\n", to: "main.yaml") })
        #expect(try await isOutdated { try $0.remove("tunnels.d/web.yaml") })
        #expect(try await isOutdated { try $0.write("", to: "tunnels.d/new.yaml") })
        #expect(try await isOutdated { _ = chmod($0.path(of: "tunnels.d/web.yaml"), 0o640) })
    }

    @Test("are none where nothing is known about them")
    func unknown() {
        #expect(!FileStamps().areOutdated(patterns: ["/etc/*"]))
    }
}
