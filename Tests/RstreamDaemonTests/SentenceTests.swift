import RstreamAdmin
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The sentence for the unit's status")
struct SentenceTests {
    private static let now = UTCTime(milliseconds: 0)

    private func record(
        _ name: String,
        isEnabled: Bool = true,
        _ state: TunnelStatus.State = .online,
        error: String? = nil,
        upstreamError: String? = nil
    ) -> TunnelRecord {
        let facts = WantedTunnelFacts(
            name: name,
            context: "main",
            forward: "127.0.0.1:8080",
            wanted: TunnelProperties(),
            isEnabled: isEnabled,
            ledger: StreamLedger()
        )
        var record = TunnelRecord(facts: facts, since: Self.now)
        record.live[StatusStore.SessionID(number: 1)] = TunnelFacts(state: state)
        record.error = error.map(report)
        record.upstreamError = upstreamError.map(report)
        return record
    }

    private func report(_ what: String) -> ErrorReport {
        let error = RstreamError(code: .upstreamUnreachable, origin: .upstream, retry: .afterBackoff, what: what)
        return ErrorReport(error, at: Self.now)
    }

    @Test("counts enabled tunnels, and says so when there are none")
    func counts() {
        var tally = ServiceCounters()
        #expect(tally.sentence == "no tunnels configured")
        tally.update(record("off", isEnabled: false, .closed))
        #expect(tally.sentence == "no tunnels configured")
        for number in 1...12 { tally.update(record("t\(number)")) }
        tally.update(record("web", .pending))
        #expect(tally.sentence == "12 of 13 tunnels online")
        tally.update(record("web"))
        #expect(tally.sentence == "13 of 13 tunnels online")
        tally.update(record("web", isEnabled: false))
        #expect(tally.sentence == "12 of 12 tunnels online")
    }

    @Test("names what is wrong with a tunnel first, else with its upstream, until it is right")
    func complaints() {
        var tally = ServiceCounters()
        let refuses = "upstream 127.0.0.1:8080 refuses connections"
        tally.update(record("web", upstreamError: refuses))
        #expect(tally.complaints == ["web: \(refuses)"])
        tally.update(record("web", .rejected, error: "the engine refused", upstreamError: refuses))
        #expect(tally.complaints == ["web: the engine refused"])
        tally.update(record("web", isEnabled: false, upstreamError: refuses))
        #expect(tally.complaints == [])
        tally.update(record("web"))
        #expect(tally.complaints == [])
    }

    @Test("is one line of at most 256 bytes that a person can read, whatever an engine has said")
    func bounds() {
        let hostile = ["x\r\nWATCHDOG=trigger\r\nMAINPID=1", "\u{1B}[31m", "\u{202E}", "\u{9B}", "\n", "\0"]
        for unit in hostile + Growth.units {
            let what = unit + Growth.text(unit, 60_000)
            var state = StatusStore.State(startedAt: Self.now)
            for number in 1...100 {
                let id = StatusStore.SessionID(number: number)
                state.sessions[id] = SessionRecord(contexts: [what], engine: "e", since: Self.now)
                state.sessions[id]?.error = report(what)
                state.sessions[id]?.note = what
                state.tally.update(record("t\(number)\(unit)", .rejected, error: what))
            }
            state.lastReload = LastReload(at: Self.now, outcome: .refused, message: what)
            #expect(state.sentence.utf8.count <= 256)
            #expect(state.sentence.startsWithBytes(of: "0 of 100 tunnels online; "))
            #expect(!state.sentence.unicodeScalars.contains { $0.isHidden }, "\(state.sentence)")
        }
    }

    @Test("says everything that there is room for")
    func everything() {
        var state = StatusStore.State(startedAt: Self.now)
        let id = StatusStore.SessionID(number: 1)
        state.sessions[id] = SessionRecord(contexts: ["main"], engine: "e", since: Self.now)
        state.sessions[id]?.error = report("refused")
        state.sessions[id]?.note = "renew the token"
        state.tally.update(record("web", upstreamError: "refuses"))
        state.lastReload = LastReload(at: Self.now, outcome: .refused, message: "1 error")
        #expect(
            state.sentence
                == "1 of 1 tunnels online; main: refused; web: refuses; renew the token; reload refused: 1 error"
        )
    }

    @Test("has room for three complaints, by name, and counts the others")
    func room() {
        var tally = ServiceCounters()
        for name in ["d", "b", "e", "a", "c"] { tally.update(record(name, upstreamError: "refuses")) }
        #expect(tally.complaints == ["a: refuses", "b: refuses", "c: refuses", "and 2 more tunnels in trouble"])
    }

    @Test("counts listeners that serve, too, and complains about the others behind the tunnels")
    func listeners() {
        var tally = ServiceCounters()
        tally.updateListener("db", serves: false, trouble: "the tunnel does not exist")
        #expect(tally.sentence == "0 of 1 listeners serve")
        #expect(tally.complaints == ["listener db: the tunnel does not exist"])
        tally.update(record("web", upstreamError: "refuses"))
        #expect(tally.sentence == "1 of 1 tunnels online, 0 of 1 listeners serve")
        #expect(tally.complaints == ["web: refuses", "listener db: the tunnel does not exist"])
        tally.updateListener("db", serves: true, trouble: nil)
        #expect(tally.sentence == "1 of 1 tunnels online, 1 of 1 listeners serve")
        #expect(tally.complaints == ["web: refuses"])
        tally.forgetListeners()
        #expect(tally.sentence == "1 of 1 tunnels online")
    }

    @Test("costs no more for each change, however many tunnels are in trouble")
    func growth() {
        Growth.expectLinear("changes of a tally", length: Growth.longest / 64) { count in
            (0..<count).map { record("t\($0)", upstreamError: "refuses") }
        } _: { records in
            var state = StatusStore.State(startedAt: Self.now)
            for record in records {
                state.tally.update(record)
                #expect(!state.sentence.isEmpty)
            }
        }
    }
}
