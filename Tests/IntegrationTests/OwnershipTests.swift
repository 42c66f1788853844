// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import RstreamTestSupport
import Testing

extension Integration {
    /// Files with other owners, links and contents than a daemon should be given, with the real programs.
    @Suite struct OwnershipTests {
        private static let secret = "hush-4f1d7c-nobody-reads-this"

        /// A peer may be root, so that nothing depends on who asks but on what the file is.
        @Test("what a link leads to out of its folder is in no answer, no log and no status")
        func links() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.with(tunnels: Pair.raw(upstream)) { pair in
                    _ = try await pair.rawPort()
                    let tunnels = try pair.folder.makeFolder("tunnels.d")
                    let elsewhere = try pair.folder.makeFolder("elsewhere")
                    for (number, text) in ["\(Self.secret)\n", "[\(Self.secret)", "\(Self.secret): 1\n"].enumerated() {
                        try pair.folder.write(text, to: "elsewhere/secret\(number)")
                        try pair.folder.link("tunnels.d/x.yaml", to: "\(elsewhere)/secret\(number)")
                        for arguments in [["reload", "--dry-run"], ["-o", "json", "reload"], ["status"], ["events"]] {
                            let result = try await ProcessHandle.run(
                                try Binaries.path(of: "rstreamctl"),
                                ["--socket", pair.folder.path + "/run/admin.sock"] + arguments
                            )
                            let said = (result.output + result.errors).joined(separator: "\n")
                            #expect(!said.contains(Self.secret), "\(arguments): \(said)")
                            if arguments.contains("reload") {
                                #expect(result.exit == .status(1), "\(arguments): \(said)")
                                #expect(said.contains("\(tunnels)/x.yaml"), "the place is told: \(said)")
                            }
                        }
                        try pair.folder.remove("tunnels.d/x.yaml")
                    }
                    #expect(!pair.daemon.process.errors.all.joined().contains(Self.secret))
                }
            }
        }

        static let needs = "other users, and namespaces of their own, need root"

        @Test(
            "a tunnel owner's file leads to that user's Unix sockets only",
            .enabled(if: Binaries.mustBeComplete || getuid() == 0, "\(needs)")
        )
        func sockets() async throws {
            let nobody: uid_t = 65_534
            try await Pair.withFolder { folder in
                try await Upstream.exchanging(unixSocket: try folder.makeFolder("service") + "/s.sock") { upstream in
                    let file = "version: 1\ntunnels:\n\(Pair.raw(upstream))\n"
                    try folder.write(file, to: "theirs/raw.yaml", mode: 0o644)
                    for name in ["theirs", "theirs/raw.yaml"] { chown("\(folder.path)/\(name)", nobody, nobody) }
                    try await Pair.withEngine(in: folder) { engine in
                        let settings =
                            Pair.quick + "\nlimits: { tunnelOwners: [nobody] }\ninclude: [\(folder.path)/theirs/*.yaml]"
                        let configuration = Pair.configuration(
                            port: engine.port,
                            caFile: engine.caFile,
                            tunnels: "  []",
                            settings: settings
                        )
                        try await Pair.withDaemon(in: folder, configuration: configuration) { daemon in
                            let port = try await Pair(folder: folder, engine: engine, daemon: daemon).rawPort()
                            // It is root's, who made it.
                            #expect(!(await Visitor.isServed(port: port)))
                            try await daemon.logged("upstream unreachable")
                            chown("\(folder.path)/service/s.sock", nobody, nobody)
                            #expect(await Visitor.isServed(port: port))
                        }
                    }
                }
            }
        }

        @Test(
            "a file that cannot be loaded ends the start with 78, in time",
            arguments: ["$", "mode", "[", "nul"]
        )
        func start(kind: String) async throws {
            try await Pair.withFolder { folder in
                let text =
                    switch kind {
                    case "$":
                        "version: 1\ntunnels: []\nclientConfig: \"" + String(repeating: "${", count: 500_000) + "\"\n"
                    case "[": String(repeating: "[", count: 1_000_000)
                    case "nul": "version: 1\n\u{0}"
                    default: "version: 1\ntunnels: []\n"
                    }
                let file = try folder.write(text, to: "rstreamd.yaml", mode: kind == "mode" ? 0o666 : 0o600)
                for arguments in [["--check"], []] {
                    let result = try await ProcessHandle.run(
                        try Binaries.path(of: "rstreamd"),
                        ["--config", file] + arguments,
                        environment: try ProcessDaemon.places(in: folder)
                    )
                    #expect(result.exit == .status(78), "\(result.errors.prefix(3))")
                    if kind == "mode" { #expect(result.errors.joined().contains("chmod"), "\(result.errors)") }
                }
            }
        }
    }
}
