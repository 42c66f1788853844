// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("systemd's status line")
struct StatusLineTests {
    private static let now = UTCTime(milliseconds: 0)

    private func tunnel(
        _ name: String,
        isEnabled: Bool = true,
        _ state: TunnelStatus.State = .online,
        error: String? = nil,
        upstreamError: String? = nil
    ) -> TunnelEntry {
        var entry = TunnelEntry(configured: .sample(name, isEnabled: isEnabled), since: Self.now)
        entry.snapshots[StatusStore.SessionID(number: 1)] = TunnelSnapshot(state: state)
        entry.error = error.map(report)
        entry.upstreamError = upstreamError.map(report)
        return entry
    }

    private func report(_ what: String) -> ErrorReport {
        let error = RstreamError(code: .upstreamUnreachable, origin: .upstream, retry: .afterBackoff, what: what)
        return ErrorReport(error, at: Self.now)
    }

    @Test("counts enabled tunnels, and says so when there are none")
    func counts() {
        var counters = ServiceCounters()
        #expect(counters.summary == "no tunnels configured")
        counters.update(tunnel("off", isEnabled: false, .closed))
        #expect(counters.summary == "no tunnels configured")
        for number in 1...12 { counters.update(tunnel("t\(number)")) }
        counters.update(tunnel("web", .pending))
        #expect(counters.summary == "12 of 13 tunnels online")
        counters.update(tunnel("web"))
        #expect(counters.summary == "13 of 13 tunnels online")
        counters.update(tunnel("web", .standby))
        #expect(counters.summary == "12 of 13 tunnels online, 1 on standby")
        counters.update(tunnel("web", isEnabled: false))
        #expect(counters.summary == "12 of 12 tunnels online")
    }

    @Test("names the error of a tunnel, or else of its upstream, until it is gone")
    func problems() {
        var counters = ServiceCounters()
        let refuses = "upstream 127.0.0.1:8080 refuses connections"
        counters.update(tunnel("web", upstreamError: refuses))
        #expect(counters.problems == ["web: \(refuses)"])
        counters.update(tunnel("web", .rejected, error: "the engine refused", upstreamError: refuses))
        #expect(counters.problems == ["web: the engine refused"])
        counters.update(tunnel("web", isEnabled: false, upstreamError: refuses))
        #expect(counters.problems == [])
        counters.update(tunnel("web"))
        #expect(counters.problems == [])
    }

    @Test("is one printable line of at most 256 bytes, whatever an engine has sent")
    func bounds() {
        let hostile = ["x\r\nWATCHDOG=trigger\r\nMAINPID=1", "\u{1B}[31m", "\u{202E}", "\u{9B}", "\n", "\0"]
        for unit in hostile + Growth.units {
            let what = unit + Growth.text(unit, 60_000)
            var state = StatusStore.State(startedAt: Self.now)
            for number in 1...100 {
                let id = StatusStore.SessionID(number: number)
                state.sessions[id] = SessionEntry(contexts: [what], engine: "e", since: Self.now)
                state.sessions[id]?.error = report(what)
                state.sessions[id]?.note = what
                state.counters.update(tunnel("t\(number)\(unit)", .rejected, error: what))
            }
            state.lastReload = LastReload(at: Self.now, outcome: .refused, message: what)
            #expect(state.statusLine.utf8.count <= 256)
            #expect(state.statusLine.startsWithBytes(of: "0 of 100 tunnels online; "))
            #expect(!state.statusLine.unicodeScalars.contains { $0.isHidden }, "\(state.statusLine)")
        }
    }

    @Test("has every problem that there is room for")
    func everything() {
        var state = StatusStore.State(startedAt: Self.now)
        let id = StatusStore.SessionID(number: 1)
        state.sessions[id] = SessionEntry(contexts: ["main"], engine: "e", since: Self.now)
        state.sessions[id]?.error = report("refused")
        state.sessions[id]?.note = "renew the token"
        state.counters.update(tunnel("web", upstreamError: "refuses"))
        state.lastReload = LastReload(at: Self.now, outcome: .refused, message: "1 error")
        #expect(
            state.statusLine
                == "1 of 1 tunnels online; main: refused; web: refuses; renew the token; reload refused: 1 error"
        )
    }

    @Test("has room for three problems, sorted by name, and counts the others")
    func room() {
        var counters = ServiceCounters()
        for name in ["d", "b", "e", "a", "c"] { counters.update(tunnel(name, upstreamError: "refuses")) }
        #expect(counters.problems == ["a: refuses", "b: refuses", "c: refuses", "2 more tunnels with problems"])
    }

    @Test("counts listeners, too, and names their problems after those of tunnels")
    func listeners() {
        var counters = ServiceCounters()
        counters.updateListener("db", serves: false, problem: "the tunnel does not exist")
        #expect(counters.summary == "0 of 1 listeners serve")
        #expect(counters.problems == ["listener db: the tunnel does not exist"])
        counters.update(tunnel("web", upstreamError: "refuses"))
        #expect(counters.summary == "1 of 1 tunnels online, 0 of 1 listeners serve")
        #expect(counters.problems == ["web: refuses", "listener db: the tunnel does not exist"])
        counters.updateListener("db", serves: true, problem: nil)
        #expect(counters.summary == "1 of 1 tunnels online, 1 of 1 listeners serve")
        #expect(counters.problems == ["web: refuses"])
        counters.removeListeners()
        #expect(counters.summary == "1 of 1 tunnels online")
    }

    @Test("takes the same time for each change, however many tunnels have problems")
    func growth() {
        Growth.expectLinear("changes of the counters", length: Growth.longest / 64) { count in
            (0..<count).map { tunnel("t\($0)", upstreamError: "refuses") }
        } _: { tunnels in
            var state = StatusStore.State(startedAt: Self.now)
            for tunnel in tunnels {
                state.counters.update(tunnel)
                #expect(!state.statusLine.isEmpty)
            }
        }
    }
}
