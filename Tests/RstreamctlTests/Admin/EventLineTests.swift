// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamTestSupport
import Testing

@testable import RstreamAdmin

@Suite("A stream of events")
struct EventLineTests {
    private static let text = """
        id: 1
        event: tunnel.online
        data: {"id":1}

        : end of backlog

        : a comment\r
        data: first\r
        data:second\r
        \r
        data
        retry: 10
        data: grün

        data: never finished
        """
    private static let items: [EventLines.Item] = [
        .event(#"{"id":1}"#), .endOfBacklog, .event("first\nsecond"), .event("grün"),
    ]

    private static func read(_ parts: [some Sequence<UInt8>]) throws -> [EventLines.Item] {
        var lines = EventLines()
        return try parts.flatMap { try lines.read(ByteBuffer(bytes: $0)) }
    }

    @Test("events are the same wherever the bytes are cut")
    func cut() throws {
        let bytes = Array(Self.text.utf8)
        #expect(try Self.read([bytes]) == Self.items)
        for place in 0...bytes.count {
            #expect(try Self.read([bytes[..<place], bytes[place...]]) == Self.items, "cut at \(place)")
        }
        #expect(try Self.read(bytes.map { CollectionOfOne($0) }) == Self.items)
    }

    @Test("an event comes out with its empty line, not before and not twice")
    func complete() throws {
        var lines = EventLines()
        #expect(try lines.read(ByteBuffer(string: "data: a\n")).isEmpty)
        #expect(try lines.read(ByteBuffer(string: "\n")) == [.event("a")])
        #expect(try lines.read(ByteBuffer(string: "\n\n")).isEmpty)
    }

    @Test("another comment is no end of the backlog")
    func comments() throws {
        #expect(try Self.read([Array(": end of\n: end of backlog \n:end of backlog\n: keep\n\n".utf8)]).isEmpty)
    }

    @Test("a line without an end is an error, not a memory leak")
    func endless() throws {
        var lines = EventLines()
        let part = ByteBuffer(repeating: UInt8(ascii: "x"), count: 64 * 1_024)
        #expect(throws: AdminClientError.badReply("an event without an end")) {
            for _ in 0..<17 { _ = try lines.read(part) }
        }
    }

    @Test("neither does an event of lines without end grow", arguments: ["data:\n", "data: x\n", "data\ndata: \r\n"])
    func endlessData(line: String) throws {
        var lines = EventLines(longestEvent: 16 * 1_024)
        let part = ByteBuffer(string: String(repeating: line, count: 1_024 / line.utf8.count + 1))
        #expect(throws: AdminClientError.badReply("an event without an end")) {
            for _ in 0..<18 { _ = try lines.read(part) }
        }
    }

    @Test(
        "what says nothing may go on for ever: comments, numbers, empty lines",
        arguments: [": here\n\n", "id: 1\n", "\n"]
    )
    func endlessNothing(line: String) throws {
        var lines = EventLines(longestEvent: 16 * 1_024)
        let part = ByteBuffer(string: String(repeating: line, count: 1_024 / line.utf8.count))
        for _ in 0..<40 { #expect(try lines.read(part).isEmpty) }
        #expect(try lines.read(ByteBuffer(string: "data: a\n\n")) == [.event("a")])
    }

    @Test(
        "no stream costs more than its length",
        arguments: Growth.units + ["data:\n\n", "data:\ndata:\n\n", "\n", ": end of backlog\n", "\r\n"]
    )
    func growth(unit: String) {
        for head in ["", "data:"] {
            Growth.expectLinear {
                ByteBuffer(string: head + Growth.text(unit, $0) + "\n\n")
            } _: {
                var lines = EventLines(longestEvent: .max)
                _ = try? lines.read($0)
            }
        }
    }
}
