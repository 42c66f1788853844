// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamDaemonModel
import RstreamModel
import Testing

@testable import rstreamctl

@Suite("What publish asks for and shows")
struct PublishViewTests {
    private static func event(_ type: String, _ fill: (inout Event) -> Void = { _ in }) -> Event {
        var event = Event(id: 1, time: Sample.now, type: type)
        event.tunnel = "t"
        fill(&event)
        return event
    }

    @Test(
        "the request has the fields of a tunnel file, and a name that says what it leads to",
        arguments: [
            (
                PublishRequest(target: "8080"),
                #"{"detach":false,"forward":"8080","name":"publish-8080","tunnel":{"protocol":"http","publish":true}}"#
            ),
            (
                PublishRequest(target: "unix:/run/app.sock", isPrivate: true),
                #"{"detach":false,"forward":"unix:/run/app.sock","name":"publish-unix--run-app-sock","#
                    + #""tunnel":{"publish":false}}"#
            ),
            (
                PublishRequest(
                    target: "[::1]:22",
                    name: "ssh",
                    kind: .tcp,
                    hostname: "h.test",
                    context: "other",
                    lasts: .seconds(90),
                    isDetached: true
                ),
                #"{"context":"other","detach":true,"for":90,"forward":"[::1]:22","name":"ssh","#
                    + #""tunnel":{"host":"h.test","protocol":"tcp","publish":true}}"#
            ),
        ]
    )
    func requests(request: PublishRequest, json: String) {
        #expect(String(decoding: request.json, as: UTF8.self) == json)
    }

    @Test("a made-up name is not longer than a name may be")
    func longName() {
        let request = PublishRequest(target: String(repeating: "é", count: 5_000) + ":80")
        #expect(request.name.utf8.count <= 128)
        #expect(request.name.hasSuffix("-80"))
    }

    @Test("what is said at once has the time after which the tunnel ends")
    func opened() {
        #expect(PublishView.opened("t", "localhost:80", lasts: nil).plain == "t forwards to localhost:80, until Ctrl-C")
        let limited = PublishView.opened("t", "localhost:80", lasts: .seconds(5_400))
        #expect(limited.plain == "t forwards to localhost:80, for 90m or until Ctrl-C")
    }

    @Test("the address is shown once, and again when it is another one")
    func address() {
        var view = PublishView("t")
        let online = Self.event("tunnel.online") { $0.forwardingAddress = "https://a.test" }
        let first = view.lines(for: online).map(\.plain)
        let again = view.lines(for: online).map(\.plain)
        let other = view.lines(for: Self.event("tunnel.online") { $0.forwardingAddress = "https://b.test" }).map(
            \.plain
        )
        #expect(first == ["https://a.test"])
        #expect(again == [])
        #expect(other == ["https://b.test"])
        var secret = PublishView("t")
        let lines = secret.lines(for: Self.event("tunnel.online")).map(\.plain)
        #expect(lines == ["private tunnel t"])
    }

    @Test("there is a line for each visitor, and for what is wrong, and none on the way to an address")
    func visitors() {
        var view = PublishView("t")
        let quiet = ["tunnel.pending", "tunnel.opening", "stream.closed"].flatMap { view.lines(for: Self.event($0)) }
        #expect(quiet.isEmpty)
        let visitor = view.lines(for: Self.event("stream.opened") { $0.source = "192.0.2.7" }).map(\.plain)
        #expect(visitor.count == 1 && visitor[0].contains("192.0.2.7"))
        let failed = view.lines(for: Self.event("tunnel.rejected") { $0.error = Sample.failure }).map(\.plain)
        #expect(failed.joined().contains("refused the connection") && failed.count == 2)
        #expect(!view.isOver)
        let last = view.lines(for: Self.event("tunnel.closed"))
        #expect(last.isEmpty && view.isOver)
    }

    @Test("a QR code stands below the address when it is asked for")
    func code() {
        var view = PublishView("t", drawsCode: true)
        let lines = view.lines(for: Self.event("tunnel.online") { $0.forwardingAddress = "https://a.test" })
        #expect(lines.count > 10 && lines[0].plain == "https://a.test")
    }

    @Test("a tunnel by hand has a note that says whose it is")
    func note() {
        var tunnel = Sample.tunnel("t")
        tunnel.byHand = ByHand(uid: 1_000, pid: 7, detached: true, endsAt: Sample.now.advanced(by: .seconds(3_600)))
        let lines = TunnelView(tunnel, now: Sample.now).lines.map(\.plain)
        #expect(lines.contains { $0.contains("by hand: user 1000, process 7, detached, ends in") }, "\(lines)")
        #expect(!TunnelView(Sample.tunnel("t"), now: Sample.now).lines.contains { $0.plain.contains("by hand") })
    }
}

@Suite("The answer to a dial")
struct DialHeadTests {
    private static func head(_ text: String) -> DialHead {
        var head = DialHead()
        for byte in text.utf8 where !head.isComplete { head.append(byte) }
        return head
    }

    @Test(
        "has a status and the length of what follows",
        arguments: [
            ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nbytes", 101, 0),
            ("HTTP/1.1 404 Not Found\r\ncontent-LENGTH: 12\r\n\r\n", 404, 12),
            ("HTTP/1.1 502 Bad\r\nContent-Length: 99999999999999\r\n\r\n", 502, 65_536),
            ("HTTP/1.1 502 Bad\r\nContent-Length: -1\r\n\r\n", 502, 0),
            ("SSH-2.0-OpenSSH\r\n\r\n", nil, 0), ("", nil, 0), ("HTTP/1.1 xyz\r\n\r\n", nil, 0),
        ] as [(String, Int?, Int)]
    )
    func parts(text: String, status: Int?, length: Int) {
        let head = Self.head(text)
        #expect(head.status == status)
        #expect(head.bodyLength == length)
    }

    @Test("ends with the blank line, and when it is too long")
    func end() {
        #expect(Self.head("HTTP/1.1 101 x\r\n\r\n").isComplete)
        #expect(!Self.head("HTTP/1.1 101 x\r\n").isComplete)
        #expect(Self.head(String(repeating: "x", count: 100_000)).isComplete)
    }
}
