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

    private static func body(
        _ body: CapturedBody,
        of length: Int = 5_000,
        headers: [RequestHeader]? = nil
    ) -> [String] {
        var request = Sample.request(1, headers: headers)
        request.bytes = ByteCounts(received: length, sent: 0)
        (request.requestBody, request.responseBody) = (body, CapturedBody(bytes: []))
        let lines = RequestView(request, showsHeaders: headers != nil, showsBodies: true).lines.dropFirst()
        return lines.map(\.plain)
    }

    @Test("has its bodies below it, line by line, behind an empty line where its headers are shown")
    func bodies() {
        let text = CapturedBody(bytes: Array("a=1\r\n\tb: é\n".utf8))
        #expect(Self.body(text) == ["    > a=1", "    >     b: é"])
        let headers = [RequestHeader(name: "A", value: "b")]
        let shown = Self.body(text, headers: headers)
        #expect(shown == ["    > A: b", "    >", "    > a=1", "    >     b: é", "    < Server: app"])
        #expect(Self.body(CapturedBody(bytes: [])) == [])
        #expect(Self.body(CapturedBody(bytes: [], cut: true)) == ["    > … the first 0 B of 4.9 KiB"])
        #expect(Self.body(CapturedBody(bytes: Array("a\n\n".utf8))) == ["    > a", "    > "])
    }

    @Test("shows a long line of a body whole")
    func longLine() {
        let line = String(repeating: "0123456789", count: 819)
        #expect(Self.body(CapturedBody(bytes: Array(line.utf8))) == ["    > \(line)"])
        let marks = String(repeating: "é", count: 3_000)
        #expect(Self.body(CapturedBody(bytes: Array(marks.utf8))) == ["    > \(marks)"])
    }

    @Test("says how much of a body is missing, and shows no half of a character", arguments: 1...3)
    func cutBody(bytes: Int) {
        let cut = Array("ab".utf8) + Array("😀".utf8.prefix(bytes))
        let shown = ["    > ab", "    > … the first \(2 + bytes) B of 4.9 KiB"]
        #expect(Self.body(CapturedBody(bytes: cut, cut: true)) == shown)
        #expect(Self.body(CapturedBody(bytes: cut)) == ["    > 4.9 KiB that are no text"])
        let whole = CapturedBody(bytes: Array("ab😀".utf8), cut: true)
        #expect(Self.body(whole) == ["    > ab😀", "    > … the first 6 B of 4.9 KiB"])
    }

    @Test("shows a body that is no text as its size, and its coding")
    func binary() {
        for bytes in [[0x1F, 0x8B, 0x08], [0x00], [0xFF], [0x1B, 0x5B, 0x41]] as [[UInt8]] {
            #expect(Self.body(CapturedBody(bytes: bytes)) == ["    > 4.9 KiB that are no text"])
        }
        let headers = [RequestHeader(name: "content-Encoding", value: "gzip")]
        let shown = Self.body(CapturedBody(bytes: [0x1F, 0x8B]), headers: headers)
        #expect(shown[2] == "    > 4.9 KiB that are no text, in gzip")
    }

    @Test("says that it began before its bodies were kept")
    func before() {
        let request = Sample.request(1)
        let lines = RequestView(request, showsHeaders: false, showsBodies: true).lines
        #expect(lines.map(\.plain).last == "    it began before its bodies were kept")
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
        var request = Sample.request(1, evil, evil, headers: [RequestHeader(name: evil, value: evil)])
        request.requestBody = CapturedBody(bytes: Array("\u{9B}31m\u{7F}\r\u{202E}".utf8))
        request.responseBody = CapturedBody(bytes: Array(evil.utf8))
        for line in RequestView(request, showsHeaders: true, showsBodies: true).lines {
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
