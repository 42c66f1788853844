// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamRelay
import RstreamTestSupport
import Testing

/// Streams of requests that a seed makes, in pieces that a seed makes.
@Suite("An inspection of any stream")
struct InspectionWalkTests {
    /// A connection with several exchanges, and what is to be seen of it.
    private struct Conversation {
        var requests: [[UInt8]] = []
        var responses: [[UInt8]] = []
        var seen: [String] = []

        init(_ generator: inout SplitMix) {
            for number in 0..<Int.random(in: 1...8, using: &generator) { add(number, &generator) }
        }

        private mutating func add(_ number: Int, _ generator: inout SplitMix) {
            let method = ["GET", "HEAD", "POST", "DELETE"].randomElement(using: &generator) ?? "GET"
            let (asked, requestBody) = Self.body(mayBeAbsent: true, &generator)
            let (answered, responseBody) = Self.body(mayBeAbsent: false, &generator)
            let status = [200, 204, 304, 404, 500].randomElement(using: &generator) ?? 200
            let isEmpty = method == "HEAD" || status == 204 || status == 304
            requests.append(Array("\(method) /\(number) HTTP/1.1\r\nX: y\r\n\(requestBody)".utf8))
            let interim = Bool.random(using: &generator) ? "HTTP/1.1 103 Hints\r\nLink: a\r\n\r\n" : ""
            // The head of a response without a body says how long it would be.
            let head = responseBody.split(separator: "\r\n\r\n", maxSplits: 1)[0]
            let rest = isEmpty ? "\(head)\r\n\r\n" : responseBody
            responses.append(Array("\(interim)HTTP/1.1 \(status) X\r\n\(rest)".utf8))
            seen.append("\(method) /\(number) \(asked) \(status) \(isEmpty ? 0 : answered) complete")
        }

        /// The last lines of a head, and a body of so many bytes.
        private static func body(mayBeAbsent: Bool, _ generator: inout SplitMix) -> (Int, String) {
            let length = Int.random(in: 0...300, using: &generator)
            switch Int.random(in: 0..<(mayBeAbsent ? 3 : 2), using: &generator) {
            case 0:
                return (length, "Content-Length: \(length)\r\n\r\n" + String(repeating: "\n", count: length))
            case 1:
                var (rest, chunks) = (length, "")
                while rest > 0 {
                    let size = Int.random(in: 1...rest, using: &generator)
                    chunks += "\(String(size, radix: 16))\r\n\(String(repeating: "\r", count: size))\r\n"
                    rest -= size
                }
                return (length, "Transfer-Encoding: chunked\r\n\r\n\(chunks)0\r\n\r\n")
            default: return (0, "\r\n")
            }
        }
    }

    @Test("sees every request once, with its response, in whatever pieces both come", arguments: 0..<200)
    func pieces(seed: Int) {
        var generator = SplitMix(seed: UInt64(seed))
        let conversation = Conversation(&generator)
        var stream = InspectedStream()
        let (requests, responses) = (Array(conversation.requests.joined()), Array(conversation.responses.joined()))
        var (asked, answered) = (0, 0)
        while asked < requests.count || answered < responses.count {
            let piece = Int.random(in: 1...60, using: &generator)
            // A service answers what it has read.
            let mayAnswer = Self.answers(conversation, asked)
            if asked < requests.count, answered == mayAnswer || Bool.random(using: &generator) {
                let end = min(requests.count, asked + piece)
                stream.passes(requests[asked..<end], from: .visitor)
                asked = end
            } else {
                let end = min(mayAnswer, answered + piece)
                stream.passes(responses[answered..<end], from: .service)
                answered = end
            }
            #expect(!stream.machine.isOver, "seed \(seed)")
            #expect(stream.machine.size <= InspectionStateMachine.mostMemory)
        }
        #expect(stream.ended.map(\.summary) == conversation.seen, "seed \(seed)")
        stream.endsInOrder()
        #expect(stream.ended.count == conversation.seen.count)
    }

    /// How much of the responses may have come when so much of the requests has.
    private static func answers(_ conversation: Conversation, _ asked: Int) -> Int {
        var (rest, length) = (asked, 0)
        for (request, response) in zip(conversation.requests, conversation.responses) {
            rest -= request.count
            guard rest >= 0 else { break }
            length += response.count
        }
        return length
    }

    @Test("ends at most once, and keeps to its memory, when any byte is another one", arguments: 0..<300)
    func damage(seed: Int) {
        var generator = SplitMix(seed: UInt64(seed))
        let conversation = Conversation(&generator)
        var (requests, responses) = (Array(conversation.requests.joined()), Array(conversation.responses.joined()))
        for _ in 0..<3 {
            requests[Int.random(in: requests.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            responses[Int.random(in: responses.indices, using: &generator)] = UInt8.random(
                in: 0...255,
                using: &generator
            )
        }
        var stream = InspectedStream()
        let piece = Int.random(in: 1...60, using: &generator)
        // Else both sides speak at once.
        let isAskedFirst = Bool.random(using: &generator)
        if isAskedFirst { stream.passes(requests, from: .visitor) }
        var wasOver = false
        for start in stride(from: 0, to: max(requests.count, responses.count), by: piece) {
            if !isAskedFirst { stream.passes(requests.dropFirst(start).prefix(piece), from: .visitor) }
            stream.passes(responses.dropFirst(start).prefix(piece), from: .service)
            #expect(!wasOver || stream.machine.isOver)
            wasOver = stream.machine.isOver
            #expect(stream.machine.size <= (wasOver ? 0 : InspectionStateMachine.mostMemory))
        }
        stream.endsInOrder()
        #expect(stream.machine.isOver && stream.machine.size == 0)
        #expect(stream.ended.count <= conversation.seen.count * 4 + 1)
        let stops = stream.ended.filter { ![.complete, .cut].contains($0.end) }
        #expect(Set(stops.map(\.end)).count <= 1, "seed \(seed)")
    }
}
