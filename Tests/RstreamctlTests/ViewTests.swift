// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import RstreamAdmin
import RstreamModel
import Testing

@testable import rstreamctl

@Suite("What the commands show")
struct ViewTests {
    private static func text(_ lines: [Line]) -> String { lines.map(\.plain).joined(separator: "\n") }

    private static func tone(of text: String, in lines: [Line]) -> Tone? {
        lines.lazy.flatMap(\.pieces).first { $0.text == text }?.tone
    }

    @Test("status shows daemon, sessions, tunnels with their fix below, listeners")
    func status() {
        let status = Sample.status(
            tunnels: [Sample.tunnel("web", active: 2), Sample.tunnel("api", .pending, error: Sample.failure)],
            listeners: [Sample.listener("db")]
        )
        let lines = StatusView(status, now: Sample.now).lines
        #expect(
            Self.text(lines) == """
                rstreamd 1.2.3 running, process 4711, since 1d
                last reload 1m ago applied: 1 added
                1 of 2 tunnels online, 1 of 1 listeners serve
                streams: 3 active, 40 total, 2 failed

                CONTEXT  ENGINE                  STATE   SINCE      RTT  CLIENT
                main     engine.example.com:443  online     2h  12.3 ms  c-9

                TUNNEL  STATE    SINCE  STREAMS  FAILED  RECEIVED  SENT  FORWARD
                web     online      3m        2       1       0 B   0 B  127.0.0.1:8080
                    address https://web.t.example.com
                api     pending     3m        0       1       0 B   0 B  127.0.0.1:8080
                    tunnel "api": upstream 127.0.0.1:8080 refused the connection (\(Sample.failure.code), 5s ago)
                    fix: start the service, or change forward

                LISTENER  STATE      STREAMS  FAILED  RECEIVED  SENT  LISTEN          DIAL
                db        listening        0       0       0 B   0 B  127.0.0.1:5432  postgres
                    context main
                """
        )
        let wide = Self.text(StatusView(status, now: Sample.now, columns: 120).lines)
        #expect(wide.contains("SENT  FORWARD         ADDRESS\nweb "))
        #expect(wide.contains("0 B   0 B  127.0.0.1:8080  https://web.t.example.com\napi "))
        #expect(Self.tone(of: "online", in: lines) == .good)
        #expect(Self.tone(of: "pending", in: lines) == .waiting)
    }

    @Test("status shows where a listener listens in fact, and where it is to listen as long as it does not")
    func places() {
        var both = Sample.listener("both")
        (both.listen, both.addresses) = ("localhost:5432", ["127.0.0.1:5432", "[::1]:5432"])
        var waiting = Sample.listener("waiting", .waiting)
        waiting.listen = "localhost:5433"
        let status = Sample.status(listeners: [both, waiting])
        let text = Self.text(StatusView(status, now: Sample.now, columns: 120).lines)
        #expect(text.contains("  127.0.0.1:5432 [::1]:5432  postgres"), "\(text)")
        #expect(text.contains("  localhost:5433             postgres"), "\(text)")
    }

    @Test("no row is wider than 80 columns, however many columns have much to say")
    func width() {
        var tunnel = Sample.tunnel(
            "a-name-of-some-length",
            active: 12_345,
            bytes: .init(received: 1 << 40, sent: 1 << 40)
        )
        tunnel.forward = "unix:/run/some/where/service.sock"
        var session = Sample.session(context: "production")
        (session.engine, session.clientId) = ("engine.region.example.com:443", "0b5c2c3e-6d0f-4f8e-9a61-d1f6c6f1a0aa")
        let status = Sample.status(tunnels: [tunnel], sessions: [session], listeners: [Sample.listener("database")])
        let lines = StatusView(status, now: Sample.now).lines
        #expect(lines.map(\.width).max() ?? 0 <= 80, "\(Self.text(lines))")
        let text = Self.text(lines)
        #expect(text.contains("\n    forward unix:/run/some/where/service.sock\n"))
        #expect(text.contains("\n    client 0b5c2c3e-6d0f-4f8e-9a61-d1f6c6f1a0aa\n"))
    }

    @Test("what is open and has something wrong with it is not green: tunnels and listeners, and streams that failed")
    func trouble() {
        let tunnel = Sample.tunnel("web", error: Sample.failure)
        var listener = Sample.listener("db")
        listener.lastError = Sample.failure
        let lines = StatusView(Sample.status(tunnels: [tunnel], listeners: [listener]), now: Sample.now).lines
        let tones = lines.flatMap(\.pieces).filter { ["online", "listening"].contains($0.text) }.map(\.tone)
        #expect(tones == [.good, .waiting, .waiting], "of the session, the tunnel and the listener")
        #expect(Self.tone(of: "1", in: lines) == .waiting)
        #expect(Self.tone(of: "online", in: TunnelsView([tunnel], now: Sample.now).lines) == .waiting)
        #expect(Self.tone(of: "online", in: TunnelView(tunnel, now: Sample.now).lines) == .waiting)
    }

    @Test("tunnels that are no longer configured do not count, whatever is left of them")
    func counts() {
        let states: [TunnelStatus.State] = [.online, .pending, .draining, .disabled, .closed]
        let status = Sample.status(tunnels: states.map { Sample.tunnel($0.rawValue, $0) })
        #expect(Self.text(StatusView(status, now: Sample.now).lines).contains("1 of 2 tunnels online;"))
        var model = TopModel()
        model.answered(TopModel.Snapshot(status: status, streams: []), at: .zero)
        #expect(TopView(model, rows: 20, columns: 80, now: Sample.now).lines[0].plain.contains("tunnels 1/2"))
    }

    @Test("a tunnel that waits to be asked for again says when that is, and nothing else does")
    func nextAttempt() {
        var tunnel = Sample.tunnel("web", .rejected, error: Sample.failure)
        for next in [nil, Sample.now.advanced(by: .seconds(240))] {
            tunnel.nextAttemptAt = next
            for lines in [TunnelsView([tunnel], now: Sample.now).lines, TunnelView(tunnel, now: Sample.now).lines] {
                let isLast = lines.last?.plain.hasSuffix("next attempt in 4m") == true
                #expect(isLast == (next != nil), "\(Self.text(lines))")
            }
        }
    }

    @Test("a drain says how many streams are cut, and when")
    func drain() {
        var tunnel = Sample.tunnel("web", .draining, active: 2)
        tunnel.drain = DrainStatus(streams: 2, cutAt: Sample.now.advanced(by: .seconds(30)))
        for lines in [TunnelsView([tunnel], now: Sample.now).lines, TunnelView(tunnel, now: Sample.now).lines] {
            let note = "2 streams that have not ended will be cut in 30s, at 2026-01-31T12:00:30.000Z"
            #expect(lines.last?.plain.hasSuffix(note) == true, "\(Self.text(lines))")
        }
    }

    @Test(
        "a change of a tunnel says what becomes of its streams",
        arguments: [
            (0, "drain", []), (1, "keep", ["    1 stream goes on"]), (3, "keep", ["    3 streams go on"]),
            (1, "cut", ["    1 stream is cut"]), (2, "hoard", ["    2 streams: hoard"]),
            (2, "drain", ["    2 streams may end, and what is left is cut in 30s, at 2026-01-31T12:00:30.000Z"]),
        ] as [(Int, String, [String])]
    )
    func change(streams: Int, disposition: String, told: [String]) {
        let cutAt = disposition == "drain" ? Sample.now.advanced(by: .seconds(30)) : nil
        let accepted = Accepted(
            action: "disable",
            target: "web",
            streams: streams,
            disposition: disposition,
            cutAt: cutAt,
            until: .reload
        )
        let lines = TunnelChangeView([accepted], .disable, now: Sample.now).lines.map(\.plain)
        #expect(lines == ["tunnel web: disabled, until the next reload"] + told)
    }

    @Test("a change of all tunnels has a line for each, and says until when")
    func changes() {
        let accepted = [
            Accepted(action: "enable", target: "web"), Accepted(action: "enable", target: "api", until: .enabled),
        ]
        let lines = TunnelChangeView(accepted, .enable, now: Sample.now).lines.map(\.plain)
        #expect(lines == ["tunnel web: enabled", "tunnel api: enabled, until it is enabled"])
        let none = TunnelChangeView([], .drain, now: Sample.now).lines.map(\.plain)
        #expect(none == ["there is no tunnel to drain"])
    }

    @Test("a tunnel on standby is counted apart, and says what it waits for; one that an operator closed, until when")
    func standby() {
        var closed = Sample.tunnel("api", .disabled)
        closed.disabledUntil = .enabled
        var waiting = Sample.tunnel("web", .standby)
        waiting.nextAttemptAt = Sample.now.advanced(by: .seconds(2))
        let status = Sample.status(tunnels: [Sample.tunnel("ssh"), waiting, closed])
        #expect(status.isAsWanted)
        let text = Self.text(StatusView(status, now: Sample.now).lines)
        #expect(text.contains("1 of 2 tunnels online, 1 on standby;"))
        #expect(text.contains("another tunnel holds its name or port; it takes over when they are free"))
        #expect(text.contains("closed by an operator, until it is enabled"))
        #expect(!text.contains("next attempt"))
    }

    @Test("status without anything configured is short")
    func nothing() {
        let status = Sample.status(tunnels: [], sessions: [])
        #expect(StatusView(status, now: Sample.now).lines.count == 3)
    }

    @Test("a session that waits says when it tries again, and a token that ends says so")
    func waiting() {
        var session = Sample.session(.waiting)
        session.tokenExpiresAt = Sample.now.advanced(by: .seconds(7_200))
        let text = Self.text(StatusView(Sample.status(sessions: [session]), now: Sample.now).lines)
        #expect(text.contains("\n    attempt 5 in 12s\n"))
        #expect(text.contains("\n    the token expires in 2h\n"))
        session.tokenExpiresAt = Sample.ago(.seconds(1))
        #expect(
            Self.text(StatusView(Sample.status(sessions: [session]), now: Sample.now).lines)
                .contains("\n    the token has expired\n")
        )
        session.tokenExpiresAt = Sample.now.advanced(by: .seconds(900_000))
        #expect(!Self.text(StatusView(Sample.status(sessions: [session]), now: Sample.now).lines).contains("token"))
    }

    @Test("a client certificate that ends says so as a token does")
    func certificate() {
        var session = Sample.session(.online)
        func text() -> String { Self.text(StatusView(Sample.status(sessions: [session]), now: Sample.now).lines) }
        session.certificateExpiresAt = Sample.now.advanced(by: .seconds(7_200))
        #expect(text().contains("\n    the client certificate expires in 2h\n"))
        session.certificateExpiresAt = Sample.ago(.seconds(1))
        #expect(text().contains("\n    the client certificate has expired\n"))
        session.certificateExpiresAt = Sample.now.advanced(by: .seconds(900_000))
        #expect(!text().contains("certificate"))
    }

    @Test("numbers and times at the ends of what there is are shown")
    func extremes() {
        var session = Sample.session(.waiting)
        session.attempt = .max
        session.heartbeatRttSeconds = 1e300
        for milliseconds in [Int64.min, 0, .max] {
            let time = UTCTime(milliseconds: milliseconds)
            (session.since, session.nextAttemptAt, session.tokenExpiresAt) = (time, time, time)
            let status = Sample.status(
                tunnels: [Sample.tunnel("web", bytes: .init(received: .max, sent: .min))],
                sessions: [session],
                streams: StreamCounts(active: .max, total: .max, failed: .max)
            )
            for now in [UTCTime(milliseconds: .min), Sample.now, UTCTime(milliseconds: .max)] {
                #expect(StatusView(status, now: now).lines.count > 6)
            }
        }
        #expect(
            Self.text(StatusView(Sample.status(sessions: [session]), now: Sample.now).lines).contains(
                "attempt 9007199254740993 in"
            )
        )
    }

    @Test("texts of 60 KB from an engine are cut where they are seen")
    func longTexts() {
        let long = String(repeating: "x", count: 60_000)
        let error = RstreamError(code: .init(rawValue: long), origin: .engine, retry: .never, what: long, fix: long)
        let report = ErrorReport(error, at: Sample.now)
        var tunnel = Sample.tunnel(long, .rejected, error: report)
        (tunnel.forward, tunnel.forwardingAddress, tunnel.properties.labels) = (long, long, [long: long])
        var session = Sample.session(.rejected, context: long)
        (session.clientId, session.engine, session.lastError) = (long, long, report)
        let status = Sample.status(tunnels: [tunnel, tunnel], sessions: [session, session])
        #expect(Self.text(StatusView(status, now: Sample.now).lines).utf8.count < 30_000)
        #expect(Self.text(TunnelView(tunnel, now: Sample.now).lines).utf8.count < 40_000)
        #expect(
            Self.text(StreamsView([Sample.stream(long, tunnel: long, source: long)], now: Sample.now).lines).utf8.count
                < 3_000
        )
        var event = Event(id: 1, time: Sample.now, type: long)
        (event.tunnel, event.message, event.error) = (long, long, report)
        #expect(Self.text(EventView(event).lines).utf8.count < 30_000)
    }

    @Test("a session that does not check certificates says whose")
    func unchecked() {
        func text(_ verification: SessionStatus.Verification) -> String {
            var session = Sample.session()
            session.verification = verification
            return Self.text(StatusView(Sample.status(sessions: [session]), now: Sample.now).lines)
        }
        #expect(text(.none).contains("\n    the engine's certificate is not checked (insecureSkipVerify)\n"))
        #expect(text(.engineOnly).contains("\n    the proxy's certificate is not checked (insecureSkipVerify)\n"))
        #expect(!text(.full).contains("certificate"))
    }

    @Test("a session says what its warm connections save and cost, once there were any")
    func prewarm() {
        var session = Sample.session()
        func text() -> String { Self.text(StatusView(Sample.status(sessions: [session]), now: Sample.now).lines) }
        #expect(!text().contains("prewarm"))
        session.prewarm = PrewarmStatus(warm: 2, hit: 40, miss: 3, wasted: 1, aged: 5)
        #expect(text().contains("\n    prewarm: 2 warm, 40 hit, 3 missed, 1 wasted, 5 aged\n"))
    }

    @Test("a session says how its canary is, and what to do when it fails")
    func canary() {
        var session = Sample.session()
        func text() -> String { Self.text(StatusView(Sample.status(sessions: [session]), now: Sample.now).lines) }
        #expect(!text().contains("canary"))
        session.canary = CanaryStatus()
        #expect(text().contains("\n    canary: none has ended yet\n"))
        let at = Sample.ago(.seconds(5))
        session.canary = CanaryStatus(state: .passing, at: at, durationSeconds: 0.0125)
        #expect(text().contains("\n    canary: came back in 12.5 ms, 5s ago\n"))
        session.canary = CanaryStatus(state: .passing, at: at, durationSeconds: 0.0125, failures: 1)
        #expect(text().contains("\n    canary: the last one failed, 5s ago\n"))
        let error = RstreamError(
            code: .operationTimeout,
            origin: .engine,
            retry: .afterBackoff,
            what: "it did not come back",
            fix: "look at the engine"
        )
        session.canary = CanaryStatus(state: .failing, at: at, failures: 2, lastError: ErrorReport(error, at: at))
        #expect(text().contains("\n    it did not come back (ERR_RSTREAM_OPERATION_TIMEOUT, 5s ago)\n"))
        #expect(text().contains("\n    fix: look at the engine\n"))
    }

    @Test("every state has its tone: good as wanted, bad if an operator must act")
    func tones() {
        #expect(TunnelStatus.State.allCases.filter { $0.tone == .good } == [.online])
        #expect(TunnelStatus.State.allCases.filter { $0.tone == .bad } == [.rejected])
        #expect(SessionStatus.State.allCases.filter { $0.tone == .good } == [.online])
        #expect(SessionStatus.State.allCases.filter { $0.tone == .bad } == [.rejected])
        #expect(ListenerStatus.State.allCases.filter { $0.tone == .good } == [.listening])
        #expect(StreamStatus.State.allCases.filter { $0.tone == .good } == [.relaying])
        #expect(UpstreamStatus.State.allCases.filter { $0.tone == .good } == [.healthy])
        #expect(UpstreamStatus.State.allCases.filter { $0.tone == .bad } == [.unhealthy])
        #expect(ReloadReply.Outcome.allCases.filter { $0.tone == .bad } == [.refused])
    }

    @Test("one tunnel is shown with its properties, as the files name them")
    func tunnel() {
        let text = Self.text(TunnelView(Sample.tunnel("web", active: 2), now: Sample.now).lines)
        #expect(
            text == """
                tunnel    web
                context   main
                state     online for 3m
                id        t-web
                address   https://web.t.example.com
                forward   127.0.0.1:8080
                streams   2 active, 12 total, 1 failed
                received  0 B
                sent      0 B
                publish   true
                protocol  http
                labels    area=eu, team=web
                """
        )
    }

    @Test("a tunnel's upstreams are shown where there are several, or where they are checked")
    func upstreams() {
        var tunnel = Sample.tunnel("web")
        let failure = ErrorReport(
            RstreamError(code: .upstreamUnreachable, origin: .upstream, retry: .afterBackoff, what: "a:2 refuses"),
            at: Sample.ago(.seconds(5))
        )
        tunnel.upstreams = [UpstreamStatus(forward: "a:1", share: 1, streams: StreamCounts(active: 3, total: 9))]
        #expect(!Self.text(TunnelView(tunnel, now: Sample.now).lines).contains("UPSTREAM"))
        tunnel.upstreams += [
            UpstreamStatus(
                forward: "a:2",
                state: .ejected,
                ejectedUntil: Sample.now.advanced(by: .seconds(7)),
                share: 0,
                streams: StreamCounts(total: 4, failed: 3),
                lastError: failure
            ),
            UpstreamStatus(
                forward: "a:3",
                backup: true,
                state: .unhealthy,
                share: 0,
                lastCheck: UpstreamCheckStatus(at: Sample.ago(.seconds(2)), passed: false, durationSeconds: 1)
            ),
        ]
        let text = Self.text(TunnelView(tunnel, now: Sample.now).lines)
        #expect(
            text.hasSuffix(
                """

                UPSTREAM  STATE               SHARE  STREAMS  TOTAL  FAILED  CHECKED
                a:1       healthy              100%        3      9       0        -
                a:2       ejected for 7s         0%        0      4       3        -
                    a:2 refuses (ERR_RSTREAM_UPSTREAM_UNREACHABLE, 5s ago)
                a:3       unhealthy       0% backup        0      0       0   2s ago
                """
            ),
            "\(text)"
        )
        #expect(Self.text(TunnelsView([tunnel], now: Sample.now).lines).contains("1 of 3 upstreams"))
    }

    @Test("streams show whose they are, where they go and how much they moved")
    func streams() {
        let streams = [
            Sample.stream("17"), Sample.stream("18", tunnel: nil, listener: "db", source: nil, age: .seconds(3_700)),
        ]
        #expect(
            Self.text(StreamsView(streams, now: Sample.now).lines) == """
                STREAM  TUNNEL       STATE     AGE  RECEIVED     SENT  SOURCE
                17      web          relaying  42s   1.2 KiB  5.0 MiB  192.0.2.7:5000
                18      listener db  relaying   1h   1.2 KiB  5.0 MiB  -
                """
        )
    }

    @Test("streams of a process that was taken over from say so")
    func previousStreams() {
        let streams = [Sample.stream("70-3", process: 70), Sample.stream("17")]
        #expect(
            Self.text(StreamsView(streams, now: Sample.now).lines) == """
                STREAM  TUNNEL  STATE     AGE  RECEIVED     SENT  SOURCE          PROCESS
                70-3    web     relaying  42s   1.2 KiB  5.0 MiB  192.0.2.7:5000  old, 70
                17      web     relaying  42s   1.2 KiB  5.0 MiB  192.0.2.7:5000  -
                """
        )
    }

    @Test("a visitor cannot write to the operator's terminal")
    func hostile() {
        let stream = Sample.stream("17", source: "\u{1B}]0;gotcha\u{7}\n")
        let lines = StreamsView([stream], now: Sample.now).lines
        #expect(lines.count == 2)
        #expect(
            lines.allSatisfy { $0.painted(.none).unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F } }
        )
    }

    @Test("an event is one line, with its fix below")
    func event() {
        var event = Event(id: 5, time: Sample.now, type: "stream.closed")
        event.tunnel = "web"
        event.stream = "17"
        event.source = "192.0.2.7:5000"
        event.bytes = ByteCounts(received: 10, sent: 2_048)
        event.durationSeconds = 1.25
        #expect(
            Self.text(EventView(event).lines)
                == "2026-01-31T12:00:00.000Z stream.closed    web stream 17 from 192.0.2.7:5000 "
                + "received 10 B, sent 2.0 KiB in 1.3 s"
        )
        event.upstream = "127.0.0.1:8080"
        event.upstreamConnectSeconds = 0.0031
        #expect(Self.text(EventView(event).lines).contains(" to 127.0.0.1:8080 connected in 3.1 ms received 10 B"))
        var dialed = Event(id: 9, time: Sample.now, type: "stream.opened")
        (dialed.dial, dialed.stream) = ("db", "18")
        #expect(Self.text(EventView(dialed).lines).hasSuffix("stream.opened    dial db stream 18"))
        var failed = Event(id: 6, time: Sample.now, type: "tunnel.rejected")
        failed.tunnel = "api"
        failed.error = Sample.failure
        let lines = EventView(failed).lines
        #expect(lines.first?.plain.contains(" api: \(Sample.failure.message) (\(Sample.failure.code))") == true)
        #expect(lines.last?.plain == "    fix: start the service, or change forward")
        #expect(Self.tone(of: "tunnel.rejected", in: lines) == .bad)
        var reload = Event(id: 7, time: Sample.now, type: "reload.applied")
        reload.changes = [ReloadChange(tunnel: "web", action: .add), ReloadChange(context: "main", action: .reconnect)]
        #expect(Self.text(EventView(reload).lines).hasSuffix("add tunnel web, reconnect context main"))
        var missed = Event(id: 8, time: Sample.now, type: "events.missed")
        missed.missed = 12
        #expect(Self.text(EventView(missed).lines).hasSuffix("12 events were missed"))
    }

    @Test("status shows processes that were taken over from, while they have streams")
    func previous() {
        var status = Sample.status()
        status.daemon.previous = [
            PreviousDaemon(pid: 12, version: "1.2.2", streams: 3, until: Sample.now.advanced(by: .seconds(600)))
        ]
        let lines = StatusView(status, now: Sample.now).lines
        #expect(Self.text(lines).contains("process 12 of version 1.2.2 still has 3 streams, cut in 10m\n"))
    }

    @Test("a reload says what it changed, would change, or that there is nothing to do")
    func reload() {
        let changes = [
            ReloadChange(tunnel: "web", action: .replace, disposition: "drain", streams: 3),
            ReloadChange(listener: "db", action: .add),
        ]
        #expect(
            Self.text(ReloadView(ReloadReply(outcome: .applied, dryRun: false, changes: changes)).lines) == """
                applied
                ACTION   WHAT         STREAMS  DISPOSITION
                replace  tunnel web         3  drain
                add      listener db
                """
        )
        let full = ReloadReply(
            outcome: .applied,
            dryRun: false,
            changes: [
                ReloadChange(
                    tunnel: "web",
                    action: .update,
                    disposition: "keep",
                    streams: 3,
                    keys: ["tunnels.limits.streams"]
                ),
                ReloadChange(listener: "db", action: .add),
            ],
            settings: [ReloadSetting(key: "drain.timeout"), ReloadSetting(key: "log.format", obstacle: "it is not so")]
        )
        #expect(
            Self.text(ReloadView(full).lines) == """
                applied
                ACTION  WHAT         STREAMS  DISPOSITION  KEYS
                update  tunnel web         3  keep         tunnels.limits.streams
                add     listener db
                setting drain.timeout
                setting log.format: not in force, it is not so
                """
        )
        let dry = ReloadView(ReloadReply(outcome: .applied, dryRun: true, changes: changes)).lines
        #expect(dry.first?.plain == "a reload would change this:")
        #expect(Self.text(ReloadView(ReloadReply(outcome: .unchanged, dryRun: true)).lines) == "nothing to change")
    }
}
