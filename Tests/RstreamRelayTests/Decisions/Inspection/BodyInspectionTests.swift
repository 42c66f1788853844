// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("The bodies of inspected requests")
struct BodyInspectionTests {
    private static func stream(_ roomForBodies: Int? = 1 << 20) -> InspectedStream {
        var stream = InspectedStream()
        stream.roomForBodies = roomForBodies
        return stream
    }

    private static func post(_ body: String) -> String {
        "POST /a HTTP/1.1\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func ok(_ body: String) -> String {
        "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// What was kept of each request, `…` where there was more.
    private static func kept(_ stream: InspectedStream) -> [String?] {
        stream.ended.map { request in
            request.bodies.map { bodies in
                let texts = [bodies.request, bodies.response].map { body in
                    String(decoding: body.bytes, as: UTF8.self) + (body.isCut ? "…" : "")
                }
                return texts.joined(separator: " ")
            }
        }
    }

    @Test("are kept where a client asks for them, in whatever pieces they come", arguments: [1, 2, 7, .max])
    func kept(length: Int) {
        var stream = Self.stream()
        stream.says(.visitor, Self.post("hello"), inPiecesOf: length)
        stream.says(.service, Self.ok("world!"), inPiecesOf: length)
        #expect(Self.kept(stream) == ["hello world!"])
        #expect(stream.ended.map(\.summary) == ["POST /a 5 200 6 complete"])
        #expect(stream.machine.size == 0)
    }

    @Test("are kept without what delimits their chunks, and up to the end of a connection")
    func framing() {
        var stream = Self.stream()
        let chunks = "5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n"
        stream.visitor("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)")
        stream.service("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nas long")
        stream.service(" as it takes")
        stream.endsInOrder()
        #expect(Self.kept(stream) == ["hello! as long as it takes"])
    }

    @Test("are not kept of a request that began when no client asked for them")
    func unasked() {
        var stream = Self.stream(nil)
        stream.visitor("POST /a HTTP/1.1\r\nContent-Length: 4\r\n\r\nab")
        stream.roomForBodies = 1 << 20
        stream.visitor("cd")
        stream.service(Self.ok("ef"))
        stream.visitor(Self.post("gh"))
        stream.service(Self.ok("ij"))
        #expect(Self.kept(stream) == [nil, "gh ij"])
    }

    @Test("end where no client asks for them any more, and say that they are cut")
    func unaskedLater() {
        var stream = Self.stream()
        stream.visitor("POST /a HTTP/1.1\r\nContent-Length: 4\r\n\r\nab")
        stream.roomForBodies = nil
        stream.visitor("cd")
        stream.service(Self.ok("ef"))
        #expect(Self.kept(stream) == ["ab… …"])
    }

    @Test("are kept up to their length, and counted whole", arguments: [0, 1])
    func long(beyond: Int) {
        let body = String(repeating: "a", count: InspectedBody.most + beyond)
        var stream = Self.stream()
        stream.says(.visitor, Self.post(body), inPiecesOf: 1_000)
        stream.says(.service, Self.ok(body), inPiecesOf: 1_000)
        let most = String(repeating: "a", count: InspectedBody.most) + (beyond > 0 ? "…" : "")
        #expect(Self.kept(stream) == ["\(most) \(most)"])
        #expect(stream.ended.map(\.requestBytes) == [body.utf8.count])
    }

    @Test("take what they may of the memory for requests, and never that of the heads", arguments: [0, 10, 1 << 20])
    func memory(room: Int) {
        let body = String(repeating: "a", count: InspectedBody.most)
        var stream = Self.stream(room)
        let heads = InspectionStateMachine.mostWaiting
        for _ in 0..<heads { stream.visitor(Self.post(body)) }
        let most = min(InspectionStateMachine.mostMemoryOfBodies, room * heads)
        #expect(stream.machine.size <= InspectionStateMachine.mostMemory + most)
        for _ in 0..<heads { stream.service(Self.ok("ok")) }
        #expect(stream.ended.map(\.end) == Array(repeating: .complete, count: heads))
        let bytes = stream.ended.map { $0.bodies?.request.bytes.count ?? -1 }
        #expect(bytes.reduce(0, +) <= most && bytes[0] == min(room, InspectedBody.most), "\(bytes)")
        #expect(stream.ended.map { $0.bodies?.request.isCut } == bytes.map { $0 < body.utf8.count })
        #expect(stream.machine.size == 0)
    }

    @Test("of a request whose stream ends are those that came")
    func cut() {
        var stream = Self.stream()
        stream.visitor("POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\nhello")
        stream.ends()
        #expect(Self.kept(stream) == ["hello "])
        #expect(stream.ended.map(\.end) == [.cut])
    }
}
