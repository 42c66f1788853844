// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Glibc
import RstreamAdmin
import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("Where a daemon would listen", .timeLimit(.hang))
struct PlaceTests {
    /// What is found for a daemon's file with these settings and this listener, at line 5, by a doctor that asks at
    /// `admin.sock`.
    private func examine(
        _ settings: String,
        listen: String = "127.0.0.1:0",
        in folder: TemporaryFolder
    ) async throws -> [Finding] {
        let text = """
            version: 1
            context: main
            contexts: { main: { engine: "127.0.0.1:1", token: x } }
            listeners:
              - { name: db, listen: "\(listen)", dial: db }
            \(settings)

            """
        let file = try folder.write(text, to: "rstreamd.yaml")
        let daemon = AdminClient(socket: folder.path(of: "admin.sock"))
        var findings: [Finding] = []
        await Doctor(file: file, environment: [:], daemon: daemon).examine { findings.append($0) }
        #expect(findings.contains { $0.check == "config" && $0.verdict == .ok }, "\(findings)")
        return findings.filter { ["admin", "metrics", "page", "listeners"].contains($0.check) }
    }

    private func verdicts(_ findings: [Finding]) -> [String] { findings.map { "\($0.check) \($0.verdict.rawValue)" } }

    private func admin(_ folder: TemporaryFolder, _ name: String = "admin.sock") -> String {
        "admin: { socket: \"\(folder.path(of: name))\" }"
    }

    @Test("is free, and left as it was")
    func free() async throws {
        try await TemporaryFolder.with { folder in
            let settings =
                admin(folder) + "\nmetrics: { listen: \"127.0.0.1:0\" }\npage: { listen: \"127.0.0.1:0\" }"
            for listen in ["127.0.0.1:0", "localhost:0", "unix:\(folder.path(of: "db.sock"))"] {
                let found = try await examine(settings, listen: listen, in: folder)
                #expect(verdicts(found) == ["admin ok", "metrics ok", "page ok", "listeners ok"], "\(found)")
                #expect(found.last?.subject == "db" && found.last?.detail == "\(listen) is free")
            }
            // The folder of the admin socket is one that the daemon makes itself.
            let made = try await examine(admin(folder, "run/admin.sock"), in: folder)
            #expect(made.first?.detail == "the daemon creates \(folder.path(of: "run"))")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["rstreamd.yaml"])
        }
    }

    @Test("may belong to another user, which is reported with the setting and its line")
    func taken() async throws {
        try await TemporaryFolder.with { folder in
            try await TestServer.with { server in
                let address = "127.0.0.1:\(server.port)"
                let listening = try await examine(admin(folder), listen: address, in: folder)
                #expect(verdicts(listening) == ["admin ok", "listeners fail"])
                #expect(listening.last?.detail == "cannot listen on \(address): another program listens there")
                let place = "\(folder.path(of: "rstreamd.yaml")):5:"
                #expect(listening.last?.fix?.contains("change listen at \(place)") == true, "\(listening)")

                let metrics = try await examine("\(admin(folder))\nmetrics: { listen: \"\(address)\" }", in: folder)
                #expect(verdicts(metrics) == ["admin ok", "metrics fail", "listeners ok"])
                #expect(metrics[1].fix?.hasSuffix("or change metrics.listen") == true, "\(metrics)")
            }
        }
    }

    @Test("may be where no socket can listen, which is reported with a remedy")
    func impossible() async throws {
        try await TemporaryFolder.with { folder in
            try folder.write("precious", to: "file")
            for (listen, reason, fix) in [
                ("192.0.2.1:5432", "this host does not have the address", "give the host the address"),
                ("unix:\(folder.path(of: "file"))", "what is there is not a socket", "remove it"),
                ("unix:\(folder.path(of: "no/s"))", "there is no folder \(folder.path(of: "no"))", "make the folder"),
            ] {
                let found = try await examine(admin(folder), listen: listen, in: folder)
                #expect(verdicts(found) == ["admin ok", "listeners fail"])
                #expect(found.last?.detail == "cannot listen on \(listen): \(reason)")
                #expect(found.last?.fix?.hasPrefix("\(fix), or change listen at ") == true, "\(found)")
            }
            let file = try await examine(admin(folder, "file"), in: folder)
            #expect(verdicts(file) == ["admin fail", "listeners ok"])
            #expect(file.first?.fix == "remove it, or change admin.socket")
            let nowhere = try await examine(admin(folder, "no/folder/admin.sock"), in: folder)
            #expect(verdicts(nowhere) == ["admin fail", "listeners ok"])
            #expect(
                nowhere.first?.detail.contains("\(folder.path(of: "no/folder")) is missing") == true,
                "\(nowhere)"
            )
            #expect(nowhere.first?.fix?.contains("or to none") == true)
            #expect(try folder.read("file") == "precious")
        }
    }

    @Test("is the daemon's own place while it runs")
    func running() async throws {
        let status = DaemonStatus(
            daemon: DaemonFacts(
                version: "1.0.0",
                pid: Int(getpid()),
                state: .running,
                startedAt: UTCTime(milliseconds: 0),
                configFiles: [],
                lastReload: nil
            ),
            sessions: [],
            tunnels: [],
            listeners: [],
            streams: StreamCounts()
        )
        let answer = String(decoding: try AdminJSON.encode(status), as: UTF8.self)
        try await TemporaryFolder.with { folder in
            try await TestServer.with { server in
                let address = "127.0.0.1:\(server.port)"
                let settings = "\(admin(folder))\nmetrics: { listen: \"127.0.0.2:\(server.port)\" }"
                try await TestAdmin.with(at: folder.path(of: "admin.sock"), { _ in .ok(answer) }) { _ in
                    let found = try await examine(settings, listen: address, in: folder)
                    #expect(found.isEmpty, "\(found)")
                }
                // One that does not answer in order has them, too.
                try await TestAdmin.with(at: folder.path(of: "admin.sock"), { _ in .ok("no JSON") }) { _ in
                    let found = try await examine(settings, listen: address, in: folder)
                    #expect(verdicts(found) == ["listeners skip"], "\(found)")
                }
            }
        }
    }

    @Test("is not tried where a daemon may run that was not asked")
    func elsewhere() async throws {
        try await TemporaryFolder.with { folder in
            try await TestServer.with { server in
                let address = "127.0.0.1:\(server.port)"
                let socket = folder.path(of: "other.sock")
                try await TestServer.with(at: .unix(path: socket)) { _ in
                    let found = try await examine(admin(folder, "other.sock"), listen: address, in: folder)
                    #expect(verdicts(found) == ["admin warn"], "\(found)")
                    #expect(found.first?.fix == "ask it there: rstreamctl doctor --socket \(socket)")
                }
                let none = try await examine("admin: { socket: none }", listen: address, in: folder)
                #expect(verdicts(none) == ["listeners skip"], "\(none)")
            }
        }
    }

    @Test("of the unit is tried by root and the unit's own user only, once systemd has made its folder")
    func unit() async throws {
        let unit = try #require(UnitState(show: "LoadState=loaded\nActiveState=inactive\n"))
        try await TemporaryFolder.with { folder in
            var configuration = DaemonConfiguration()
            configuration.admin.socket = folder.path(of: "admin.sock")
            configuration.metrics = .unix(path: "/run/rstreamd/metrics.sock")
            var found: [Finding] = []
            await PlaceExamination(configuration, daemon: .gone(unit: unit)).run { found.append($0) }
            guard geteuid() == 0 else {
                #expect(verdicts(found) == ["listeners skip"] && found.first?.fix == "use sudo", "\(found)")
                return
            }
            #expect(found.map(\.check) == ["admin", "metrics"] && found.first?.verdict == .ok, "\(found)")
            let isThere = access("/run/rstreamd", F_OK) == 0
            #expect((found.last?.verdict == .skip) == !isThere, "\(found)")
        }
    }
}
