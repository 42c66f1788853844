// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamModel
import Testing

@testable import RstreamDaemon

@Suite("The status page")
struct StatusPageTests {
    private static let now = UTCTime(seconds: 1_790_000_000)

    private static func error(_ what: String, fix: String? = nil) -> ErrorReport {
        ErrorReport(
            RstreamError(code: .upstreamUnreachable, origin: .upstream, retry: .afterBackoff, what: what, fix: fix),
            at: now
        )
    }

    private static func tunnel(
        _ name: String,
        _ state: TunnelStatus.State = .online,
        address: String? = nil,
        error: ErrorReport? = nil,
        upstreams: [UpstreamStatus] = []
    ) -> TunnelStatus {
        TunnelStatus(
            name: name,
            context: "main",
            state: state,
            forward: "localhost:8080",
            upstreams: upstreams,
            forwardingAddress: address,
            properties: PropertiesReport(TunnelProperties()),
            since: now,
            streams: StreamCounts(active: 3, total: 12, failed: 1),
            bytes: ByteCounts(received: 2_048, sent: 3_145_728),
            lastError: error
        )
    }

    private static func status(
        tunnels: [TunnelStatus] = [],
        sessions: [SessionStatus] = [],
        listeners: [ListenerStatus] = [],
        lastReload: LastReload? = nil
    ) -> DaemonStatus {
        DaemonStatus(
            daemon: DaemonFacts(
                version: "1.2.3",
                pid: 42,
                state: .running,
                startedAt: now.advanced(by: .seconds(-7_200)),
                configFiles: ["/etc/rstream/rstreamd.yaml"],
                lastReload: lastReload
            ),
            sessions: sessions,
            tunnels: tunnels,
            listeners: listeners,
            streams: StreamCounts(active: 3, total: 12, failed: 1)
        )
    }

    private static func page(
        _ status: DaemonStatus,
        streams: [StreamStatus] = [],
        events: [Event] = [],
        stalls: [String] = []
    ) -> StatusPage {
        StatusPage(status: status, streams: streams, events: events, stalls: stalls, now: now)
    }

    private static let session = SessionStatus(
        id: "1",
        context: "main",
        engine: "engine.example:443",
        state: .online,
        since: now.advanced(by: .seconds(-60)),
        heartbeatRttSeconds: 0.0184,
        tokenExpiresAt: now.advanced(by: .seconds(86_400 * 3)),
        verification: .engineOnly
    )
    private static let listener = ListenerStatus(
        name: "db",
        context: "main",
        state: .waiting,
        listen: "127.0.0.1:5432",
        dial: "postgres"
    )
    private static let stream = StreamStatus(
        id: "7",
        tunnel: "web",
        state: .relaying,
        source: "203.0.113.7",
        openedAt: now.advanced(by: .seconds(-5)),
        bytes: ByteCounts(received: 1, sent: 2)
    )

    private static func full(_ text: String) -> StatusPage {
        var event = Event(id: 9, time: now, type: "tunnel.\(text)")
        (event.tunnel, event.source, event.message, event.forwardingAddress) = (text, text, text, text)
        event.error = error(text, fix: text)
        var (session, listener, stream) = (session, listener, stream)
        (session.context, session.engine) = (text, text)
        session.lastError = error(text, fix: text)
        (listener.name, listener.listen, listener.dial) = (text, text, text)
        listener.lastError = error(text, fix: text)
        (stream.id, stream.tunnel, stream.source) = (text, text, text)
        var named = tunnel(text, address: text, error: error(text, fix: text))
        named.forward = text
        let reload = LastReload(at: now, outcome: .refused, message: text)
        let status = status(tunnels: [named], sessions: [session], listeners: [listener], lastReload: reload)
        return page(status, streams: [stream], events: [event], stalls: [text])
    }

    /// The names of elements in the order of their start tags, and those of attributes.
    private static func structure(_ html: String) -> [String] {
        html.matches(of: #/<(/?[a-z0-9]+)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*>/#).map { tag in
            let attributes = tag.output.2.matches(of: #/([a-z-]+)(?:="[^"]*")?/#).map { String($0.output.1) }
            return "\(tag.output.1) \(attributes.joined(separator: " "))"
        }
    }

    @Test("no name, address or message changes the structure of the document", arguments: HTMLTests.attacks)
    func attacks(text: String) {
        let html = Self.full(text).html
        #expect(Self.structure(html) == Self.structure(Self.full("harmless").html))
        #expect(!html.contains(text) || text.utf8.allSatisfy { !"<>\"'&".utf8.contains($0) })
        // The only places that lead elsewhere would be addresses of web servers, of which there is none.
        for link in html.matches(of: #/(?:href|src)="([^"]*)"/#) {
            #expect(["page.css", "page.js", "config", "requests"].contains(link.output.1))
        }
    }

    @Test("has a value for each place of its template, and a place for each value")
    func places() {
        let places = Set(Self.page(Self.status()).values.keys)
        #expect(places == PageFiles.status.places)
        #expect(PageFiles.configuration.places == ["configuration"])
    }

    @Test("says what the daemon does, also to those without a script")
    func content() {
        let html = Self.page(
            Self.status(
                tunnels: [
                    Self.tunnel("web", address: "https://web.example"), Self.tunnel("db", .disabled),
                    Self.tunnel("ssh", .pending, error: Self.error("no route", fix: "check the network")),
                ],
                sessions: [Self.session],
                listeners: [Self.listener]
            ),
            streams: [Self.stream],
            events: [Event(id: 1, time: Self.now, type: "session.online")]
        ).html
        for part in [
            "<title>rstreamd: 1 of 2 tunnels online</title>", "running, process 42, for 2h", "1.2.3",
            #"<a href="https://web.example" rel="noreferrer">"#, #"<span class="state good">online</span>"#,
            #"<span class="state">disabled</span>"#, "3.0 MiB", "9.0 MiB", "18.4 ms", "ends in 3d", "203.0.113.7",
            "certificates are not all checked", "<strong>tunnel ssh</strong>: no route", "Fix: check the network",
            "<strong>listener db</strong>: is waiting", "session.online", #"<meta http-equiv="refresh" content="10">"#,
            "12 <small>1 failed</small>",
        ] {
            #expect(html.contains(part), "\(part)")
        }
    }

    @Test("names everything that is wrong, with its fix, and says so when nothing is")
    func findings() {
        #expect(Self.page(Self.status(tunnels: [Self.tunnel("web")])).html.contains("Nothing is wrong."))
        let refused = LastReload(at: Self.now, outcome: .refused, message: "1 error")
        var session = Self.session
        session.lastError = Self.error("timed out", fix: "wait")
        let broken = UpstreamStatus(forward: "a:1", lastError: Self.error("refused"))
        let status = Self.status(
            tunnels: [
                Self.tunnel("one", error: Self.error("refused"), upstreams: [broken]),
                Self.tunnel("many", upstreams: [UpstreamStatus(forward: "b:1"), broken]), Self.tunnel("late", .opening),
                Self.tunnel("off", .disabled), Self.tunnel("other", .standby),
            ],
            sessions: [session],
            listeners: [Self.listener],
            lastReload: refused
        )
        let found = PageFinding.all(in: status, stalls: ["the request loop has stalled"])
        #expect(
            found.map { "\($0.about): \($0.message)" } == [
                "daemon: the request loop has stalled", "last reload: 1 error", "session main: timed out",
                "tunnel one: refused", "tunnel many: refused", "tunnel late: is opening", "listener db: is waiting",
            ]
        )
        #expect(found.map { $0.fix != nil } == [false, true, true, false, false, false, false])
    }

    @Test("has a bounded number of rows, and says how many there are beyond them")
    func bounds() {
        let tunnels = (0..<700).map { Self.tunnel("t\($0)", .pending) }
        let streams = (0..<300).map { number in
            var stream = Self.stream
            stream.id = "\(number)"
            return stream
        }
        let events = (0..<300).map { Event(id: $0, time: Self.now, type: "x") }
        let page = Self.page(Self.status(tunnels: tunnels), streams: streams, events: events)
        func rows(_ place: String) -> Int { (page.values[place]?.markup ?? "").matches(of: #/<tr /#).count }
        #expect(rows("tunnels") == 500 && rows("streams") == 100 && rows("events") == 100)
        #expect(page.html.contains("200 more; rstreamctl shows all of them."))
        let first = #"<tr role="row" data-key="299">"#
        #expect(page.values["streams"]?.markup.hasPrefix(first) == true, "the latest first")
        #expect((page.values["health"]?.markup ?? "").matches(of: #/<li/#).count == 50)
    }

    @Test("the rows have the columns of their tables, in the template and in the script")
    func columns() throws {
        let page = Self.full("web")
        let html = page.html
        for table in ["tunnels", "sessions", "listeners", "streams", "events"] {
            let section = try Regex("(?s)<table[^>]*\"\(table)-title\">.*?</table>")
            let text = html.firstMatch(of: section).map { String(html[$0.range]) } ?? ""
            let heads = text.matches(of: #/<th [^>]*?(?:class="([a-z]*)")?>([^<]*)</th>/#)
                .map { "\($0.output.2) \($0.output.1 ?? "")" }
            let cells = text.matches(of: #/<td class="([a-z]*)" role="cell" data-name="([^"]*)">/#)
                .map { "\($0.output.2) \($0.output.1)" }
            #expect(!heads.isEmpty && heads == cells, "\(table)")
        }
    }

    @Test("the script finds every element that it looks for, asks its own daemon only, and makes texts of texts")
    func script() {
        let script = String(decoding: PageFiles.script, as: UTF8.self)
        let html = Self.page(Self.status()).html
        let looked = script.matches(of: #/byId\("([a-z-]+)"\)|rows\("([a-z]+)"/#)
            .compactMap { $0.output.1 ?? $0.output.2 }
        #expect(Set(looked).count > 8)
        for id in looked + ["received", "sent"] { #expect(html.contains("id=\"\(id)\""), "\(id)") }
        for table in ["tunnels", "sessions", "listeners", "streams", "events"] {
            #expect(html.contains("id=\"\(table)-rest\""))
        }
        let asked = script.matches(of: #/(?:ask|fetch)\("([^"]*)"/#).map { String($0.output.1) }
        #expect(Set(asked) == ["v1/status", "v1/streams", "v1/health/live", "v1/events"])
        let style = String(decoding: PageFiles.style, as: UTF8.self)
        for text in [script.replacing("http://www.w3.org/2000/svg", with: ""), style] {
            #expect(!text.contains("//www") && !text.contains("http://") && !text.contains("@import"))
            #expect(!text.contains("url("))
        }
        for danger in ["innerHTML", "outerHTML", "insertAdjacent", "eval(", "Function(", "document.write", ".style"] {
            #expect(!script.contains(danger), "\(danger)")
        }
        #expect(!html.contains("style=") && !html.contains("<style") && !html.contains("onclick"))
        #expect(html.matches(of: #/<script[^>]*>[^<]+/#).isEmpty, "the policy permits no script inside of the document")
    }
}
