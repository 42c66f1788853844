// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import RstreamAdmin
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("An archive for a bug report", .timeLimit(.hang))
struct BundleTests {
    @Test("is read by tar, and contains no secret of the configuration, whatever its source")
    func secrets() async throws {
        try await TemporaryFolder.with { folder in
            let (key, pin) = (folder.path(of: "token"), folder.path(of: "pin"))
            for (path, secret) in [(key, "file-secret"), (pin, "pin-secret")] {
                try "\(secret)\n".write(toFile: path, atomically: true, encoding: .utf8)
                try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
            }
            let file = folder.path(of: "rstreamd.yaml")
            let text = """
                version: 1
                contexts:
                  a:
                    engine: "127.0.0.1:1"
                    token: text-secret
                    transport: { proxy: { http: "http://127.0.0.1:2", headers: { X-Key: header-secret } } }
                  b: { engine: "127.0.0.1:1", tokenFile: "\(key)" }
                tunnels:
                  - name: web
                    context: a
                    forward: 127.0.0.1:1
                    upstream:
                      tls: { certificateFile: /c.pem, keyUri: "handle:0x81000001", keyPinFile: "\(pin)" }
                    tunnel: { protocol: http }
                """
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let daemon = AdminClient(socket: folder.path(of: "admin.sock"))
            let bundle = Bundle(file: file, environment: [:], daemon: daemon)
            let secrets = ["text-secret", "file-secret", "pin-secret"]
            let leak = secrets.map { Finding("config", .fail, "somebody wrote \($0) here") }
            let archive = await bundle.archive(leak)
            let path = folder.path(of: "report.tar")
            try Data(archive).write(to: URL(filePath: path))
            let listing = try await ProcessHandle.run("/bin/tar", ["-tf", path])
            #expect(listing.output.contains("rstreamd-report/doctor.json"))
            #expect(listing.output.contains("rstreamd-report/missing.txt"), "no daemon answers")
            let contents = String(decoding: archive, as: UTF8.self)
            #expect(contents.contains("somebody wrote *** here"))
            for secret in secrets + ["header-secret"] { #expect(!contents.contains(secret)) }
        }
    }

    @Test("holds the daemon's last events, each on a line, and the log's last lines or the reason why not")
    func events() async throws {
        try await TemporaryFolder.with { folder in
            let socket = folder.path(of: "admin.sock")
            let events = (1...2).map { #"{"id":\#($0),"time":"2026-01-31T12:00:00.000Z","type":"tunnel.online"}"# }
            let stream = events.map { "data: \($0)\n\n" }.joined() + ": end of backlog\n\n"
            let answers: TestAdmin.Answers = { $0.target == "/v1/events" ? .events(stream) : .ok("{}") }
            try await TestAdmin.with(at: socket, answers) { admin in
                let client = AdminClient(socket: socket, timeouts: .long)
                let bundle = Bundle(file: folder.path(of: "none"), environment: [:], daemon: client)
                let text = String(decoding: await bundle.archive([]), as: UTF8.self)
                #expect(text.contains("rstreamd-report/events.jsonl"))
                #expect(text.contains(events.joined(separator: "\n") + "\n"))
                #expect(text.contains("rstreamd-report/log.txt") != text.contains("log.txt: the journal"))
                let asked = admin.requests.value.first { $0.target == "/v1/events" }
                #expect(asked?.headers["last-event-id"] == "0")
            }
        }
    }

    @Test("contains no invisible characters, whatever a daemon and an engine have written")
    func hidden() async throws {
        try await TemporaryFolder.with { folder in
            let hidden = "\u{1B}]0;x\u{7}\u{9B}1m\u{202E}\u{2028}\u{E0041}\u{FEFF}"
            let socket = folder.path(of: "admin.sock")
            let answers: TestAdmin.Answers = { request in
                switch request.target {
                case "/metrics": .ok("a 1\nb{c=\"\(hidden)\"} 2\n")
                case "/v1/config":
                    .reply(500, #"{"type":"","title":"","status":500,"detail":"a\n\u001b","code":"timeout"}"#)
                default: .ok("{\"a\":\"\(hidden)\"}")
                }
            }
            try await TestAdmin.with(at: socket, answers) { _ in
                let bundle = Bundle(
                    file: folder.path(of: "none"),
                    environment: [:],
                    daemon: AdminClient(socket: socket, timeouts: .long)
                )
                let archive = await bundle.archive([Finding("dns", .fail, hidden)])
                let text = String(decoding: archive, as: UTF8.self)
                // The archive's own form is zeros and lines.
                let seen = text.unicodeScalars.filter { $0 != "\n" && $0 != "\0" }
                #expect(!seen.contains { $0.isHidden })
                #expect(text.contains(#"\u202e"#) && text.contains(#"\u{202E}"#))
                #expect(text.contains("a 1\nb{c="), "lines are lines")
                #expect(text.contains(#"config.json: a\u{A}\u{1B}"#))
            }
        }
    }
}
