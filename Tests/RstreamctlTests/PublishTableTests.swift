// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamDaemonModel
import RstreamModel
import Testing

@testable import rstreamctl

@Suite("The table of publish")
struct PublishTableTests {
    private static func event(_ type: String, _ fill: (inout Event) -> Void = { _ in }) -> Event {
        var event = Event(id: 1, time: Sample.now, type: type)
        event.tunnel = "t"
        fill(&event)
        return event
    }

    private static func progress(_ events: [Event], drawsCode: Bool = false) -> PublishProgress {
        var progress = PublishProgress("t", drawsCode: drawsCode)
        for event in events { progress.happened(event) }
        return progress
    }

    private static let online = event("tunnel.online") { $0.forwardingAddress = "https://a.test" }

    private static func visitors(_ count: Int) -> [Event] {
        (0..<count).map { number in event("stream.opened") { $0.source = "192.0.2.\(number)" } }
    }

    private static func model(_ streams: Int) -> TopModel {
        var model = TopModel()
        let snapshot = TopModel.Snapshot(
            status: Sample.status(
                tunnels: [Sample.tunnel("web"), Sample.tunnel("t", active: streams)],
                listeners: [Sample.listener("db")]
            ),
            streams: (0..<streams).map { Sample.stream("\($0)", tunnel: "t") } + [Sample.stream("900")]
        ).only("t")
        model.answered(snapshot, at: .seconds(1))
        return model
    }

    @Test("is about its tunnel alone: its streams, and its counts in the place of the daemon's")
    func only() {
        let model = Self.model(3)
        #expect(model.tunnels.map(\.tunnel.name) == ["t"])
        #expect(model.streams.count == 3 && model.streams.allSatisfy { $0.stream.tunnel == "t" })
        #expect(model.snapshot?.status.streams == StreamCounts(active: 3, total: 13, failed: 1))
        #expect(model.snapshot?.status.listeners.isEmpty == true)
        let gone = TopModel.Snapshot(status: Sample.status(), streams: []).only("t")
        #expect(gone.status.tunnels.isEmpty && gone.status.streams == StreamCounts())
    }

    @Test("keeps the address, with its code, apart from the lines of visitors, of which it keeps the latest")
    func kept() {
        let progress = Self.progress([Self.online] + Self.visitors(3) + [Self.online])
        #expect(progress.address.map(\.plain) == ["https://a.test"])
        #expect(progress.latest.count == 3 && progress.latest[2].plain.contains("192.0.2.2"))
        #expect(Self.progress([Self.online], drawsCode: true).address.count > 10)
        let many = Self.progress(Self.visitors(PublishProgress.mostLines + 10))
        #expect(many.latest.count == PublishProgress.mostLines)
        #expect(many.latest.last?.plain.contains("192.0.2.\(PublishProgress.mostLines + 9)") == true)
        #expect(Self.progress([Self.event("tunnel.closed")]).isOver && !progress.isOver)
    }

    @Test("has a line that is no event among the latest ones")
    func told() {
        var progress = Self.progress(Self.visitors(1))
        progress.tell([Line("another process is the daemon now, t goes on")])
        #expect(progress.latest.map(\.plain).last == "another process is the daemon now, t goes on")
        #expect(progress.latest.count == 2 && !progress.isOver)
    }

    @Test("has the address first, then the tunnel and its streams, then the latest visitors")
    func order() throws {
        let progress = Self.progress([Self.online] + Self.visitors(2))
        let view = PublishTableView(progress, Self.model(2), rows: 24, columns: 100, now: Sample.now)
        let lines = view.lines.map(\.plain)
        #expect(lines.first == "https://a.test")
        let tunnel = try #require(lines.firstIndex { $0.hasPrefix("t ") })
        let streams = try #require(lines.firstIndex { $0.hasPrefix("STREAM") })
        let visitor = try #require(lines.firstIndex { $0.contains("192.0.2.0") })
        #expect(tunnel < streams && streams < visitor && visitor == lines.count - 2)
        let early = PublishTableView(Self.progress([]), TopModel(), rows: 24, columns: 80, now: Sample.now).lines
        #expect(early.first?.plain == "t has no address yet")
    }

    @Test(
        "is neither wider nor longer than the terminal, and has room for visitors beside many streams",
        arguments: [(40, 10), (200, 60), (1, 1), (80, 24), (20, 3), (0, 0)]
    )
    func fits(columns: Int, rows: Int) {
        for progress in [
            Self.progress([]), Self.progress([Self.online] + Self.visitors(300)),
            Self.progress([Self.online] + Self.visitors(5), drawsCode: true),
        ] {
            let lines = PublishTableView(progress, Self.model(300), rows: rows, columns: columns, now: Sample.now).lines
            #expect(lines.count <= rows)
            #expect(lines.allSatisfy { $0.width <= columns })
            if rows >= 24, progress.address.count == 1 {
                #expect(lines.contains { $0.plain.hasPrefix("STREAM") })
                #expect(lines.last?.plain.contains("192.0.2.") == true || progress.latest.isEmpty)
            }
        }
    }
}

@Suite("What both publish commands have in common")
struct PublishWordsTests {
    @Test("visitors speak HTTP unless something else is said, and nothing in particular to a private tunnel")
    func kind() {
        typealias Kind = PublishWords.Kind
        #expect(Kind.wanted(nil, isPrivate: false) == .http)
        #expect(Kind.wanted(nil, isPrivate: true) == nil)
        for kind in Kind.allCases {
            #expect(Kind.wanted(kind, isPrivate: false) == kind && Kind.wanted(kind, isPrivate: true) == kind)
        }
        #expect(Kind.allCases.map(\.rawValue) == ["http", "tls", "tcp"])
    }

    @Test(
        "a duration is one word, more than nothing and at most a year",
        arguments: [
            ("90m", 5_400), ("2h", 7_200), ("0s", nil), ("soon", nil), ("1 h", nil), ("9999h", nil), ("", nil),
        ] as [(String, Int?)]
    )
    func duration(text: String, seconds: Int?) {
        #expect(PublishWords.duration(text) == seconds.map { .seconds($0) })
    }

    @Test("a private tunnel has no host name")
    func conflict() {
        #expect(PublishWords.conflict(isPrivate: true, hostname: "h") != nil)
        #expect(PublishWords.conflict(isPrivate: true, hostname: nil) == nil)
        #expect(PublishWords.conflict(isPrivate: false, hostname: "h") == nil)
    }
}
