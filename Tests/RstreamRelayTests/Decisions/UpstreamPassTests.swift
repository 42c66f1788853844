// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

@testable import RstreamRelay

@Suite("A stream's way through the upstreams")
struct UpstreamPassTests {
    private let start = ContinuousClock.now

    private static func error(_ what: String, _ retry: RstreamError.Retry = .afterBackoff) -> RstreamError {
        RstreamError(code: .upstreamUnreachable, origin: .upstream, retry: retry, what: what, fix: "fix \(what)")
    }

    @Test("gives one that is alone all of the time, and each of several an equal part of what is left")
    func time() {
        var pass = UpstreamPass(within: .seconds(6), since: start)
        #expect(pass.time(among: 1, at: start) == .seconds(6))
        #expect(pass.time(among: 3, at: start) == .seconds(2))
        pass.failed(1, Self.error("a"))
        // It has refused at once.
        #expect(pass.time(among: 3, at: start) == .seconds(3))
        pass.failed(0, Self.error("b"))
        #expect(pass.time(among: 3, at: start.advanced(by: .seconds(3))) == .seconds(3))
        #expect(pass.time(among: 3, at: start.advanced(by: .seconds(6))) == nil)
    }

    @Test("names each that has failed, a few of many, and passes if one of them may")
    func error() {
        var pass = UpstreamPass(within: .seconds(1), since: start)
        #expect(pass.error == nil)
        pass.failed(0, Self.error("a", .afterReload))
        #expect(pass.error == Self.error("a", .afterReload))
        pass.failed(1, Self.error("b"))
        #expect(pass.error?.what == "no upstream takes connections: a; b")
        #expect(pass.error?.retry == .afterBackoff && pass.error?.fix == "fix b")
        for place in 2..<10 { pass.failed(place, Self.error("c")) }
        #expect(pass.error?.what == "no upstream takes connections: a; b; c; c; and 6 more")
        #expect(pass.tried.count == 10 && pass.tried.contains(9) && !pass.tried.contains(10))
    }

    @Test("a set of places holds 64, and no others")
    func places() {
        var set = UpstreamSet()
        for place in [0, 63, 64, 1_000] { set.insert(place) }
        #expect(set.count == 2 && set.contains(0) && set.contains(63) && !set.contains(64))
    }
}

@Suite("The status of an answer of HTTP/1")
struct HTTPStatusReaderTests {
    @Test(
        "is read from the first line, however its bytes come",
        arguments: [
            ("HTTP/1.1 200 OK\r\n", HTTPStatusReader.Progress.status(200)), ("HTTP/1.0 503\r\n\r\n", .status(503)),
            ("HTTP/2 200 OK\r\n", .malformed), ("SSH-2.0-OpenSSH", .malformed), ("HTTP/1.1 20", .needsMore),
            ("HTTP/1.1 2x0 OK", .malformed), ("HTTP/1.1 000 OK", .malformed), ("", .needsMore),
            ("HTTP/1.12200 OK", .malformed),
        ]
    )
    func status(text: String, expected: HTTPStatusReader.Progress) {
        var whole = HTTPStatusReader()
        let once = whole.received(Array(text.utf8))
        #expect(once == expected)
        var reader = HTTPStatusReader()
        var progress = HTTPStatusReader.Progress.needsMore
        for byte in text.utf8 where progress == .needsMore { progress = reader.received([byte]) }
        #expect(progress == expected)
    }
}
