// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamModel
import Testing

@testable import rstreamctl

@Suite("A request as rstreamctl shows it")
struct RequestViewTests {
    private static func text(_ request: RequestStatus, headers: Bool = false) -> String {
        RequestView(request, showsHeaders: headers).lines.map(\.plain).joined(separator: "\n")
    }

    @Test("is one line: when, its status, what was asked for, and what that took")
    func line() {
        #expect(
            Self.text(Sample.request(1, "POST", "/a?token=***"))
                == "2026-01-31T11:59:55.000Z 200 POST    /a?token=*** in 12.3 ms, received 0 B, sent 1.2 KiB, "
                + "from 192.0.2.7, stream 17"
        )
    }

    @Test("has its headers below it only where they are wanted, and says where some are missing")
    func headers() {
        var request = Sample.request(1, headers: [RequestHeader(name: "Cookie", value: "***")])
        #expect(Self.text(request).split(separator: "\n").count == 1)
        #expect(Self.text(request, headers: true).hasSuffix("\n    > Cookie: ***\n    < Server: app"))
        request.headersCut = true
        #expect(Self.text(request, headers: true).hasSuffix("\n    more headers than are kept"))
    }

    @Test("says why there is no more of it", arguments: RequestStatus.End.allCases)
    func ends(end: RequestStatus.End) throws {
        let text = Self.text(Sample.request(1, nil, nil, status: nil, end: end))
        #expect(text.contains(" --- -       - in"))
        #expect((end.explanation == nil) == (end == .complete))
        if let explanation = end.explanation {
            #expect(text.hasSuffix("\n    \(explanation)"))
            // Every word of the API has one of its own.
            #expect(explanation != end.rawValue)
        }
    }

    @Test("of a newer daemon that knows another end is shown with its word")
    func newer() {
        #expect(Self.text(Sample.request(1, end: .init(rawValue: "teleported"))).hasSuffix("\n    teleported"))
    }

    @Test("cannot write to the operator's terminal")
    func hostile() {
        let evil = "\u{1B}]0;gotcha\u{7}\n"
        let request = Sample.request(1, evil, evil, headers: [RequestHeader(name: evil, value: evil)])
        for line in RequestView(request, showsHeaders: true).lines {
            #expect(line.plain.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
        }
    }

    @Test("has the colour of its status")
    func tones() {
        for (status, tone) in [(204, Tone.good), (302, .plain), (404, .waiting), (502, .bad)] {
            let pieces = RequestView(Sample.request(1, status: status), showsHeaders: false).lines[0].pieces
            #expect(pieces.first { $0.text == "\(status)" }?.tone == tone)
        }
    }
}

@Suite("Requests that are followed")
struct RequestFollowerTests {
    private static func answer(_ ids: Range<Int>, total: Int? = nil) -> TunnelRequests {
        TunnelRequests(inspected: true, total: total ?? ids.upperBound - 1, requests: ids.map { Sample.request($0) })
    }

    @Test("are shown once, and those that were lost in between are counted")
    func new() {
        var follower = RequestFollower()
        let first = follower.new(in: Self.answer(3..<5))
        #expect(first.requests.map(\.id) == [3, 4] && first.missed == 0)
        let second = follower.new(in: Self.answer(3..<7))
        #expect(second.requests.map(\.id) == [5, 6] && second.missed == 0)
        #expect(follower.new(in: Self.answer(3..<7)).requests.isEmpty)
        let third = follower.new(in: Self.answer(10..<12))
        #expect(third.requests.map(\.id) == [10, 11] && third.missed == 3)
    }

    @Test("of another daemon begin anew")
    func restart() {
        var follower = RequestFollower()
        _ = follower.new(in: Self.answer(50..<60))
        let new = follower.new(in: Self.answer(1..<3))
        #expect(new.requests.map(\.id) == [1, 2] && new.missed == 0)
    }
}
