// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamTestSupport
import Testing

extension Integration {
    /// `watch: true`: files that change are read again without a word.
    @Suite struct WatchTests {
        private static let settings = Pair.quick + "\nwatch: true"

        /// One private tunnel, as an entry of a file.
        private static func tunnel(_ name: String, label: String = "0") -> String {
            "  - { name: \(name), forward: 127.0.0.1:9, tunnel: { publish: false, labels: { round: \"\(label)\" } } }"
        }

        /// A tunnel file with one tunnel.
        private static func file(_ name: String, label: String = "0") -> String {
            "version: 1\ntunnels:\n\(tunnel(name, label: label))\n"
        }

        /// A daemon that watches `rstreamd.yaml`, with one tunnel in it.
        private static func with(_ body: (Pair) async throws -> Void) async throws {
            try await with(tunnels: 1) { _ in
            } run: {
                try await body($0)
            }
        }

        /// The same with what was put beside that file before, and so many tunnels together.
        private static func with(
            tunnels count: Int,
            prepare: (ProcessFolder) throws -> Void,
            run body: (Pair) async throws -> Void
        ) async throws {
            try await Pair.withFolder { folder in
                try prepare(folder)
                try await Pair.withEngine(in: folder) { engine in
                    let configuration = Pair.configuration(
                        port: engine.port,
                        caFile: engine.caFile,
                        tunnels: tunnel("main"),
                        settings: settings
                    )
                    try await Pair.withDaemon(in: folder, configuration: configuration) { daemon in
                        try await engine.wait { $0.tunnels == count }
                        try await body(Pair(folder: folder, engine: engine, daemon: daemon))
                        #expect(try await engine.statistics().controlConnectsTotal == 1)
                    }
                }
            }
        }

        @discardableResult
        private static func expect(
            _ actions: [String: String],
            of pair: Pair,
            after change: () throws -> Void
        ) async throws -> ProcessDaemon.Reload {
            let mark = pair.daemon.mark
            try change()
            let reload = try await pair.daemon.nextReload(from: mark)
            #expect(reload.outcome == ProcessDaemon.Reload.applied, "\(reload)")
            #expect(reload.line.facts["reason"] == "a file changed")
            #expect(reload.actions == actions, "\(reload)")
            return reload
        }

        @Test("a file that is written in place, and one that is replaced by a rename, are read again")
        func written() async throws {
            try await Self.with { pair in
                try await Self.expect(["main": "replace"], of: pair) {
                    let text = pair.text(tunnels: Self.tunnel("main", label: "1"), settings: Self.settings)
                    try pair.folder.write(text, to: "rstreamd.yaml")
                }
                try await Self.expect(["main": "replace"], of: pair) {
                    try pair.write(tunnels: Self.tunnel("main", label: "2"), settings: Self.settings)
                }
                #expect(pair.daemon.complaints().isEmpty, "\(pair.daemon.complaints())")
            }
        }

        @Test("a folder of tunnel files that comes later, its files, and their end are noticed")
        func folder() async throws {
            try await Self.with { pair in
                let folder = pair.folder
                try await Self.expect(["one": "add"], of: pair) {
                    try folder.write(Self.file("one"), to: "tunnels.d/one.yaml")
                }
                try await Self.expect(["two": "add"], of: pair) {
                    try folder.write(Self.file("two"), to: "tunnels.d/two.yaml")
                }
                try await Self.expect(["one": "replace"], of: pair) {
                    try folder.replace("tunnels.d/one.yaml", with: Self.file("one", label: "1"))
                }
                try await Self.expect(["two": "remove"], of: pair) { try folder.remove("tunnels.d/two.yaml") }
                try await Self.expect(["one": "remove"], of: pair) { try folder.remove("tunnels.d") }
                // The same name again, and another directory.
                try await Self.expect(["three": "add"], of: pair) {
                    try folder.write(Self.file("three"), to: "tunnels.d/three.yaml")
                }
                #expect(pair.daemon.complaints().isEmpty, "\(pair.daemon.complaints())")
            }
        }

        @Test("a mistake in a folder that came later is found, and so is its fix")
        func mistakeInNewFolder() async throws {
            try await Self.with { pair in
                let mark = pair.daemon.mark
                try pair.folder.write("version: 1\ntunnels: [ { nmae: one } ]\n", to: "tunnels.d/one.yaml")
                let refused = try await pair.daemon.nextReload(from: mark)
                #expect(refused.outcome == ProcessDaemon.Reload.refused, "\(refused)")
                try await Self.expect(["one": "add"], of: pair) {
                    try pair.folder.write(Self.file("one"), to: "tunnels.d/one.yaml")
                }
            }
        }

        @Test("a mistake in a file that was not included before is found, and so is its fix")
        func mistakeInNewFile() async throws {
            try await Self.with { pair in
                try pair.folder.write("version: 1\ntunnels: [ { nmae: one } ]\n", to: "elsewhere/one.yaml")
                let mark = pair.daemon.mark
                try pair.write(
                    tunnels: Self.tunnel("main"),
                    settings: Self.settings + "\ninclude: [elsewhere/one.yaml]"
                )
                let refused = try await pair.daemon.nextReload(from: mark)
                #expect(refused.outcome == ProcessDaemon.Reload.refused, "\(refused)")
                try await Self.expect(["one": "add"], of: pair) {
                    try pair.folder.write(Self.file("one"), to: "elsewhere/one.yaml")
                }
            }
        }

        @Test("a mounted folder whose link to the data is swapped, as Kubernetes does it, is followed each time")
        func swap() async throws {
            let mount = { (folder: ProcessFolder, round: Int) throws in
                try folder.write(Self.file("one", label: "\(round)"), to: "tunnels.d/..\(round)/one.yaml")
                try folder.link("tunnels.d/..data", to: "..\(round)")
                if round > 0 { try folder.remove("tunnels.d/..\(round - 1)") }
            }
            try await Self.with(tunnels: 2) { folder in
                try mount(folder, 0)
                try folder.link("tunnels.d/one.yaml", to: "..data/one.yaml")
            } run: { pair in
                for round in 1...3 {
                    try await Self.expect(["one": "replace"], of: pair) { try mount(pair.folder, round) }
                }
                #expect(pair.daemon.complaints().isEmpty, "\(pair.daemon.complaints())")
            }
        }

        @Test("a new file behind a link to a folder is noticed")
        func linkedFolder() async throws {
            try await Self.with(tunnels: 2) { folder in
                try folder.write(Self.file("one"), to: "elsewhere/one.yaml")
                try folder.link("tunnels.d", to: "elsewhere")
            } run: { pair in
                try await Self.expect(["two": "add"], of: pair) {
                    try pair.folder.write(Self.file("two"), to: "elsewhere/two.yaml")
                }
            }
        }

        @Test("half a new file is refused once, half of one that is rewritten is not even read, and closing it heals")
        func halfWritten() async throws {
            try await Self.with(tunnels: 1) { folder in
                _ = try folder.makeFolder("tunnels.d")
            } run: { pair in
                let file = pair.folder.path + "/tunnels.d/one.yaml"
                let mark = pair.daemon.mark
                let new = try Self.begin(Self.file("one"), in: file)
                // The writer takes its time, until the daemon has seen what is there.
                let refused = try await pair.daemon.nextReload(from: mark)
                #expect(refused.outcome == ProcessDaemon.Reload.refused, "\(refused)")
                try await Self.expect(["one": "add"], of: pair) { try Self.end(new) }

                let old = try Self.begin(Self.file("one", label: "1"), in: file)
                try await Self.expect(["one": "replace"], of: pair) { try Self.end(old) }
                let outcomes = pair.daemon.log.filter { $0.message == ProcessDaemon.Reload.refused }
                #expect(outcomes.count == 1)
            }
        }

        /// A file that is being written.
        private struct Unfinished {
            let descriptor: CInt
            let rest: Substring
        }

        /// Writes half of a text to a file.
        private static func begin(_ text: String, in file: String) throws -> Unfinished {
            let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            try #require(descriptor >= 0)
            let half = text.prefix(text.count / 2)
            try append(half, to: descriptor)
            return Unfinished(descriptor: descriptor, rest: text.dropFirst(half.count))
        }

        /// Writes the other half, and closes the file.
        private static func end(_ file: Unfinished) throws {
            defer { close(file.descriptor) }
            try append(file.rest, to: file.descriptor)
        }

        private static func append(_ text: Substring, to descriptor: CInt) throws {
            let bytes = Array(text.utf8)
            try #require(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
        }
    }
}
