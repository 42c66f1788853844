// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Linux
import Logging
import RstreamAdmin
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Systemd
import Testing

@testable import RstreamDaemon

@Suite("Lines of streams", .serialized, .timeLimit(.hang))
struct StreamLineTests {
    /// The line of a stream that has ended in order, as its tunnel's logger writes it.
    private static var record: LogRecord {
        let stream = EndedStream(
            StreamOrigin(engineID: "s-8f2c", source: IPAddress("198.51.100.7")),
            id: 17,
            received: 412,
            sent: 18_204,
            StreamEnd(
                StreamOutcomeTracker.Verdict(.completed),
                lasted: .milliseconds(1_250),
                upstream: "127.0.0.1:8080",
                connecting: .milliseconds(3)
            )
        )
        let tunnel: Logger.Metadata = [
            LogKey.context: "main", LogKey.engine: "1a2b3c4d.cluster.example:443", LogKey.tunnel: "web",
        ]
        return LogRecord(.info, "stream closed", tunnel.merging(stream.facts) { $1 })
    }

    private static let refusal = RstreamError(
        code: .overload,
        origin: .host,
        retry: .afterBackoff,
        what: "the tunnel has reached its limit of streams",
        fix: "raise it"
    )

    private static func withoutTime(_ text: some StringProtocol) -> String {
        String(text).replacing(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/, with: "TIME")
    }

    @Test("are as docs/monitoring.md shows them, as text, as JSON and in the journal")
    func documented() throws {
        let page = try String(contentsOfFile: "\(Binaries.packageRoot)/docs/monitoring.md", encoding: .utf8)
        let lines = page.split(separator: "\n", omittingEmptySubsequences: false)
        let shown = lines.drop { !$0.contains("StreamLineTests") }.dropFirst().prefix { !$0.hasPrefix("- ") }
        let blocks = shown.split { $0.hasPrefix("```") }.filter { !$0.allSatisfy(\.isEmpty) }
        try #require(blocks.count == 3)
        let record = Self.record
        #expect(blocks[0].map(Self.withoutTime).joined(separator: "\n") + "\n" == Self.withoutTime(record.text(.none)))
        #expect(blocks[1].map(Self.withoutTime).joined(separator: "\n") + "\n" == Self.withoutTime(record.json))
        let entry = String(decoding: record.journalEntry.bytes, as: UTF8.self).split(separator: "\n")
        #expect(Array(blocks[2]) == entry.filter { $0.hasPrefix("MESSAGE_ID=") || $0.hasPrefix("RSTREAM_") })
    }

    @Test("are explained in the manual page, each fact of them")
    func manual() throws {
        let page = try String(contentsOfFile: "\(Binaries.packageRoot)/man/rstreamd.8", encoding: .utf8)
        let section = page.split(separator: "\n").drop { $0 != ".Sh LINES OF STREAMS" }.dropFirst()
            .prefix { !$0.hasPrefix(".Sh ") }
        let named = section.compactMap { $0.wholeMatch(of: /\.It Cm (.*)/)?.output.1 }
            .flatMap { $0.split(separator: " , ").map(String.init) }
        let failed = EndedStream(
            StreamOrigin(dialed: "db"),
            StreamEnd(StreamOutcomeTracker.Verdict(.refused), Self.refusal, lasted: .zero)
        )
        let written = Self.record.facts.map(\.key) + failed.facts.map(\.key) + [LogKey.listener]
        #expect(Set(named) == Set(written))
        #expect(named.count == Set(named).count)
    }

    @Test("leave out what is not known, as the event of a refused stream does")
    func refused() {
        let stream = EndedStream(
            StreamOrigin(engineID: "s1"),
            StreamEnd(StreamOutcomeTracker.Verdict(.refused), Self.refusal, lasted: .zero)
        )
        #expect(
            stream.facts == [
                "outcome": "refused", "stream_id": "s1", "error": "the tunnel has reached its limit of streams",
                "error_code": "\(Self.refusal.code)",
            ]
        )
    }

    @Test("are at level info while log.streams is set, at debug otherwise, and say what the events say")
    func switched() async throws {
        try await AdminCallTests.withDaemon { _, daemon in
            let reader = try await daemon.admin.events(after: 0)
            /// Opens and ends a stream after so many others; returns its line and its event.
            func stream(after count: Int) async throws -> (line: LogCapture.Line, event: Event) {
                let visitor = try await AdminCallTests.openStream(daemon)
                await visitor.close()
                let line = try await daemon.log.wait(for: "stream closed", count: count + 1)[count]
                let number = try #require(line.metadata["stream_number"])
                let events = try await reader.wait(for: "the end of \(number)") {
                    $0.outcome != nil && $0.stream == number
                }
                return (line, try #require(events.last))
            }
            let quiet = try await stream(after: 0)
            #expect(quiet.line.level == .debug)
            try await daemon.reload { $0.log.streams = true }
            let told = try await stream(after: 1)
            #expect(told.line.level == .info)
            for (line, event) in [quiet, told] {
                #expect(line.metadata["tunnel"] == event.tunnel)
                #expect(line.metadata["stream_number"] == event.stream)
                #expect(line.metadata["source"] == event.source)
                #expect(line.metadata["upstream"] == event.upstream && event.upstream != nil)
                #expect(line.metadata["outcome"] == event.outcome)
                #expect(line.metadata["received"] == event.bytes.map { "\($0.received)" })
                #expect(line.metadata["sent"] == event.bytes.map { "\($0.sent)" })
                #expect(line.metadata["stream_id"]?.isEmpty == false)
                #expect(line.metadata["context"] == "main")
                #expect((event.upstreamConnectSeconds ?? -1) > 0)
                #expect(line.metadata["upstream_connect"] != nil)
            }
            try await daemon.reload { $0.log.streams = false }
            #expect(try await stream(after: 2).line.level == .debug)
            await reader.connection.close()
        }
    }

    @Test("are as many as the metrics count, refused streams included")
    func complete() async throws {
        func change(_ configuration: inout DaemonConfiguration) {
            configuration.log.streams = true
            configuration.tunnels[0].streamLimit = 1
        }
        try await AdminCallTests.withDaemon(change: change) { _, daemon in
            let first = try await AdminCallTests.openStream(daemon)
            let port = daemon.log.lines(RunningDaemon.tunnelOnline).last?.port
            let second = try await TestConnection.connect(toPort: try #require(port))
            try await second.state.wait(for: "the end") { $0.isOver }
            let line = try #require(try await daemon.log.wait(for: "stream closed").first)
            #expect(line.level == .info)
            #expect(line.metadata["outcome"] == "refused")
            #expect(line.metadata["error"] == "the tunnel has reached its limit of streams")
            #expect(line.metadata["duration"] == nil && line.metadata["stream_number"] == nil)
            await first.close()
            try await daemon.log.wait(for: "stream closed", count: 2)
            let page = try await daemon.admin.call("GET", "/metrics").body
            let counted = page.split(separator: "\n").filter { $0.hasPrefix("rstreamd_streams_total{") }
                .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
            #expect(counted == daemon.log.lines("stream closed").count)
            await second.close()
        }
    }
}
