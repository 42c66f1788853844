import NIOCore
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
}
