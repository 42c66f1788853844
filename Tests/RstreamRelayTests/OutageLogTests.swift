import Logging
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("The log of outages")
struct OutageLogTests {
    private let log = LogCapture()
    private let error = RstreamError(
        code: .upstreamUnreachable,
        origin: .upstream,
        retry: .afterBackoff,
        what: "it is not there",
        fix: "start it"
    )

    private var told: [String] { log.lines.value.map(\.message) }

    private static let lost = "the upstream cannot be reached"
    private static let found = "the upstream is back"

    @Test("has one line for the begin and one for the end, however many streams find out")
    func once() throws {
        let outage = OutageLog.upstream(log.logger, nil)
        outage.reached()
        for _ in 0..<3 { outage.failed(error, ["hold_timeout": "5"]) }
        for _ in 0..<3 { outage.reached() }
        #expect(told == [Self.lost, Self.found])
        let line = try #require(log.lines.value.first)
        #expect(line.level == .warning)
        #expect(
            line.metadata == [
                "error": "it is not there", "error_code": "ERR_RSTREAM_UPSTREAM_UNREACHABLE", "fix": "start it",
                "hold_timeout": "5",
            ]
        )
    }

    @Test("has a second outage within a minute only if it lasts")
    func flapping() {
        let outage = OutageLog.upstream(log.logger, nil)
        let start = ContinuousClock.now
        for second in 0..<59 {
            outage.failed(error, at: start.advanced(by: .seconds(second)))
            outage.reached()
        }
        #expect(told == [Self.lost, Self.found])
        outage.failed(error, at: start.advanced(by: .seconds(59)))
        #expect(told == [Self.lost, Self.found])
        outage.failed(error, at: start.advanced(by: .seconds(60)))
        outage.failed(error, at: start.advanced(by: .seconds(61)))
        #expect(told == [Self.lost, Self.found, Self.lost])
        outage.failed(error, at: start.advanced(by: .seconds(200)))
        outage.reached()
        #expect(told == [Self.lost, Self.found, Self.lost, Self.found])
    }
}
