import RstreamAdmin
import RstreamModel
import RstreamRelay
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
        record.live[StatusBoard.SessionID(number: 1)] = TunnelFacts(state: state)
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
        var tally = TunnelTally()
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
        var tally = TunnelTally()
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

    @Test("has room for three complaints, by name, and counts the others")
    func room() {
        var tally = TunnelTally()
        for name in ["d", "b", "e", "a", "c"] { tally.update(record(name, upstreamError: "refuses")) }
        #expect(tally.complaints == ["a: refuses", "b: refuses", "c: refuses", "and 2 more tunnels in trouble"])
    }
}
