// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

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

    private static let lost = "upstream unreachable"
    private static let found = "upstream reachable again"

    @Test("has one line for the begin and one for the end, however many streams find out")
    func once() throws {
        let outage = OutageLog.upstream(SharedLogger(log.logger), nil).subject
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

    @Test("knows none where a dial failed that began before another one succeeded")
    func late() {
        let outage = OutageLog.upstream(SharedLogger(log.logger), nil).subject
        let start = ContinuousClock.now
        outage.reached(at: start.advanced(by: .seconds(10)))
        outage.failed(error, since: start, at: start.advanced(by: .seconds(25)))
        #expect(told == [])
        outage.failed(error, since: start.advanced(by: .seconds(11)), at: start.advanced(by: .seconds(26)))
        #expect(told == [Self.lost])
    }

    @Test("has the facts of its logger as they are at the time")
    func renamed() {
        let logger = SharedLogger(log.logger)
        let outage = OutageLog.upstream(logger, nil).subject
        outage.failed(error)
        logger.current[metadataKey: "context"] = "renamed"
        outage.reached()
        #expect(log.lines.value.map { $0.metadata["context"] } == [nil, "renamed"])
    }

    @Test("is about the current upstream: results about the one before are ignored")
    func replaced() {
        let observer = ReachabilityRecorder()
        let outages = OutageLog.upstream(SharedLogger(log.logger), observer)
        let old = outages.subject
        old.failed(error)
        let new = outages.replaced()
        old.failed(error)
        old.reached()
        #expect(told == [Self.lost])
        new.failed(error)
        #expect(told == [Self.lost, Self.lost])
        new.reached()
        #expect(told == [Self.lost, Self.lost, Self.found])
        #expect(observer.told.value == [error, nil, error, nil])
    }

    @Test("has a second outage within a minute only if it lasts")
    func flapping() {
        let outage = OutageLog.upstream(SharedLogger(log.logger), nil).subject
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

/// Keeps what it is told about the reachability.
private final class ReachabilityRecorder: StreamObserver {
    let told = Observed<[RstreamError?]>([])

    func streamOpened(_: StreamSnapshot) {}
    func streamEnded(_: EndedStream) {}
    func refusalBegan(_: StreamLimit, _: RstreamError) {}
    func refusalEnded(_: StreamLimit, count _: Int, lasted _: Duration) {}
    func reachabilityChanged(_ error: RstreamError?) { told.change { $0.append(error) } }
}
