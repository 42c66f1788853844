// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Glibc
import NIOCore
import RstreamTestSupport
import Testing

extension Integration {
    @Suite struct LogTests {
        static let thereIsAJournal = "this host has a journal"

        /// A named pipe that is full, and that nobody reads.
        private final class FullPipe {
            let path: String
            private let descriptor: Int32

            init(_ path: String) throws {
                self.path = path
                guard mkfifo(path, 0o600) == 0 else { throw POSIXFailure("mkfifo", errno) }
                // Readers and writers at once need nobody at the other end.
                descriptor = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
                guard descriptor >= 0 else { throw POSIXFailure("open", errno) }
                for size in [4_096, 1] {
                    while write(descriptor, [UInt8](repeating: UInt8(ascii: "\n"), count: size), size) > 0 {}
                }
            }

            /// What was written to it by others, as far as it had room.
            func rest() -> String {
                var bytes: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 65_536)
                while true {
                    let count = read(descriptor, &buffer, buffer.count)
                    guard count > 0 else { break }
                    bytes += buffer.prefix(count)
                }
                return String(decoding: bytes, as: UTF8.self)
            }

            deinit { close(descriptor) }
        }

        @Test("a log without a reader delays no stream, and the end of the daemon by a second at most")
        func unread() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.withFolder { folder in
                    try await Pair.withEngine(in: folder) { engine in
                        let text = Pair.configuration(
                            port: engine.port,
                            caFile: engine.caFile,
                            tunnels: Pair.raw(upstream)
                        )
                        let file = try folder.write(text, to: "rstreamd.yaml")
                        let pipe = try FullPipe(folder.path + "/log")
                        let process = try await ProcessHandle.start(
                            "/bin/sh",
                            ["-c", #"exec "$0" "$@" 2>'\#(pipe.path)'"#, try Binaries.path(of: "rstreamd")]
                                + ["--config", file, "--log-format", "json", "--log-level", "trace"],
                            environment: try ProcessDaemon.places(in: folder)
                        )
                        do {
                            try await engine.wait { $0.tunnels == 1 }
                            let port = try #require(try await engine.tunnel("raw").port)
                            for _ in 0..<20 { #expect(await Visitor.isServed(port: port)) }
                            process.send(signal: SIGHUP)
                            #expect(await Visitor.isServed(port: port))
                            #expect(try await process.terminate() == .status(0))
                            // The line that was stuck may be written while the pipe is read; before, nothing was.
                            #expect(!pipe.rest().contains("stream closed"))
                        } catch {
                            await process.kill()
                            throw error
                        }
                    }
                }
            }
        }

        /// Gives a program a terminal for its standard error, asks it to stop once it has started, and prints what came.
        private static let terminal = """
            import ctypes, os, pty, subprocess, sys
            master, slave = pty.openpty()
            daemon = subprocess.Popen(sys.argv[1:], stderr=slave, preexec_fn=lambda: ctypes.CDLL(None).prctl(1, 9))
            os.close(slave)
            text, is_asked = b"", False
            try:
                while chunk := os.read(master, 4096):
                    text += chunk
                    if not is_asked and b" started " in text:
                        daemon.terminate()
                        is_asked = True
            except OSError:
                pass  # The other end is closed.
            sys.stdout.write(text.decode().replace("\\r", ""))
            sys.exit(daemon.wait())
            """

        @Test(
            "as text it has columns, and colours on a terminal that has them",
            arguments: [
                ([:], true), (["TERM": "xterm"], true), (["TERM": "dumb"], false),
                (["TERM": "xterm", "NO_COLOR": "1"], false),
            ] as [([String: String], Bool)]
        )
        func colours(environment: [String: String], hasColours: Bool) async throws {
            try await Pair.withFolder { folder in
                let program = try Binaries.path(of: "rstreamd")
                let file = try folder.write("version: 1\nadmin: { socket: none }\n", to: "rstreamd.yaml")
                let environment = try ProcessDaemon.places(in: folder).merging(environment) { $1 }
                let shown = try await ProcessHandle.run(
                    try Binaries.python(),
                    ["-c", Self.terminal, program, "--config", file],
                    environment: environment
                )
                #expect(shown.exit == .status(0), "\(shown.errors)")
                let plain = " info     started                                  tunnels=0 version="
                let coloured =
                    " \u{1B}[32minfo\u{1B}[0m     started                                  \u{1B}[2mtunnels=\u{1B}[0m0 "
                let line = hasColours ? coloured : plain
                #expect(shown.output.contains { $0.contains(line) }, "\(shown.output)")
                #expect(shown.output.contains { $0.contains("\u{1B}") } == hasColours)
                let process = try await ProcessHandle.start(
                    program,
                    ["--config", file, "--log-format", "text"],
                    environment: environment
                )
                do {
                    _ = try await process.errors.first { $0.contains(plain) }
                    process.send(signal: SIGTERM)
                    #expect(try await process.end() == .status(0))
                    #expect(!process.errors.all.contains { $0.contains("\u{1B}") })
                } catch {
                    await process.kill()
                    throw error
                }
            }
        }

        @Test(
            "without a journal, its lines go to standard error with their priorities",
            .enabled(if: access("/run/systemd/journal/socket", F_OK) != 0, "\(thereIsAJournal)")
        )
        func noJournal() async throws {
            try await Pair.withFolder { folder in
                let file = try folder.write(
                    "version: 1\ncontexts: { main: { engine: \"localhost:1\", noToken: true } }\nlog: { format: journal }\n",
                    to: "rstreamd.yaml"
                )
                let process = try await ProcessHandle.start(
                    try Binaries.path(of: "rstreamd"),
                    ["--config", file],
                    environment: try ProcessDaemon.places(in: folder)
                )
                do {
                    _ = try await process.errors.first { $0.hasPrefix("<6>started tunnels=0 version=") }
                    process.send(signal: SIGTERM)
                    #expect(try await process.end() == .status(0))
                    #expect(process.errors.all.last == "<6>stopped", "\(process.errors.all)")
                } catch {
                    await process.kill()
                    throw error
                }
            }
        }

        @Test(
            "the journal of a unit has its events, and finds a tunnel by its name and a kind of line by its id",
            .enabled(if: SystemdGuest.isPossible, "\(SystemdGuest.needs)"),
            .timeLimit(.hang)
        )
        func journal() async throws {
            try await Pair.withFolder { folder in
                let configuration = Pair.configuration(
                    port: 7_000,
                    caFile: "/run/engine/ca.pem",
                    tunnels: "  - { name: web, forward: 127.0.0.1:9, tunnel: { protocol: tcp } }"
                )
                try folder.write(configuration, to: "rstreamd.yaml")
                let output = try await SystemdGuest.run(
                    """
                    mkdir /run/engine
                    /opt/bin/rstream-dev-engine --listen 127.0.0.1:7000 --state /run/engine \\
                        --token \(ProcessEngine.token) >/run/engine/out 2>/dev/null &
                    engine=$!
                    until [ -s /run/engine/out ]; do sleep 0.05; done
                    chmod 644 /run/engine/ca.pem
                    useradd --system rstream
                    install -D --owner=rstream --mode=600 /opt/files/rstreamd.yaml /etc/rstream/rstreamd.yaml
                    cp /opt/bin/rstreamd /usr/bin/
                    cp /opt/source/systemd/rstreamd.service /etc/systemd/system/
                    systemctl daemon-reload
                    said() { timeout 90 grep -m1 . < <(journalctl -f -n all -o cat "$@") >/dev/null; }
                    systemctl start rstreamd
                    said MESSAGE_ID=\(Self.online) RSTREAM_TUNNEL=web
                    kill $engine
                    said MESSAGE_ID=\(Self.outage) RSTREAM_CONTEXT=main
                    systemctl stop rstreamd
                    journalctl --sync
                    journalctl -u rstreamd -o json SYSLOG_IDENTIFIER=rstreamd _TRANSPORT=journal
                    """,
                    in: folder
                )
                let lines = try output.map { try JSONDecoder().decode([String: String].self, from: Data($0.utf8)) }
                let story = lines.compactMap { $0["MESSAGE"] }
                #expect(story.first == "admin socket open address=/run/rstreamd/admin.sock")
                #expect(story.dropFirst().first?.hasPrefix("started tunnels=1 ") == true, "\(story)")
                #expect(story.last == "stopped", "the last word is the unit's too: \(story)")
                #expect(lines.allSatisfy { $0["MESSAGE_ID"]?.count == 32 }, "\(lines)")
                let online = try #require(lines.first { $0["MESSAGE_ID"] == Self.online })
                #expect(online["PRIORITY"] == "6")
                #expect(online["RSTREAM_CONTEXT"] == "main")
                #expect(online["RSTREAM_SESSION"] == "1", "the id that the admin API and events give")
                #expect(online["RSTREAM_ENGINE"] == "localhost:7000")
                #expect(online["MESSAGE"]?.hasPrefix("tunnel online address=\"localhost:") == true, "\(online)")
                let outage = try #require(lines.first { $0["MESSAGE_ID"] == Self.outage })
                #expect(outage["PRIORITY"] == "4")
                #expect(outage["RSTREAM_ERROR_CODE"]?.hasPrefix("ERR_RSTREAM_") == true, "\(outage)")
            }
        }

        /// What programs may wait for, so it stands here once more.
        private static let online = "6bd2becbb20fa8f90ecae39efcebc8d7"
        private static let outage = "00b33e0593a36ee9d8954c02057c6a12"
    }
}
