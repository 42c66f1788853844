// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamModel
import RstreamWire
import Testing

@Suite("the frames of PROTOCOL.md §2")
struct VectorTests {
    /// Field 1000 with the number 1, which no schema level knows.
    private static let unknownField: [UInt8] = [0xC0, 0x3E, 0x01]

    @Test("a header counts the payload", arguments: Vector.all)
    func header(vector: Vector) {
        #expect(vector.frame.count == 4 + Int(vector.frame[3]))
        #expect(vector.frame.prefix(3) == [0, 0, 0])
    }

    @Test("a frame is read as its message", arguments: Vector.all)
    func decode(vector: Vector) throws {
        var reader = FrameReader(vector.frame)
        #expect(try reader.next() == vector.message)
        #expect(try reader.next() == nil)
        #expect(reader.takeRemaining().readableBytes == 0)
    }

    @Test("a message is written as its frame, byte for byte", arguments: Vector.all)
    func encode(vector: Vector) throws {
        #expect(try frame(vector.message) == vector.frame)
    }

    @Test("a frame that is cut anywhere is awaited, and complete once the rest came", arguments: Vector.all)
    func truncated(vector: Vector) throws {
        for count in 0..<vector.frame.count {
            var reader = FrameReader(vector.frame.prefix(count))
            #expect(try reader.next() == nil, "\(count) bytes")
            reader.append(vector.frame.dropFirst(count))
            #expect(try reader.next() == vector.message, "\(count) bytes")
        }
    }

    @Test("a frame that drips in byte by byte is read with its last byte, not earlier", arguments: Vector.all)
    func dripped(vector: Vector) throws {
        var reader = FrameReader()
        for byte in vector.frame.dropLast() {
            reader.append([byte])
            #expect(try reader.next() == nil)
        }
        reader.append(vector.frame.suffix(1))
        #expect(try reader.next() == vector.message)
    }

    @Test("frames that come in one piece are read one after the other, in order", arguments: 1...20)
    func together(chunk: Int) throws {
        let stream = Vector.all.flatMap(\.frame)
        var reader = FrameReader()
        var messages: [Message] = []
        for start in stride(from: 0, to: stream.count, by: chunk == 20 ? stream.count : chunk) {
            reader.append(stream[start..<min(start + (chunk == 20 ? stream.count : chunk), stream.count)])
            while let message = try reader.next() { messages.append(message) }
        }
        #expect(messages == Vector.all.map(\.message))
    }

    @Test("a field that is not known is ignored around the message", arguments: Vector.all)
    func unknownFieldOutside(vector: Vector) throws {
        #expect(try Message(payload: vector.payload + Self.unknownField) == vector.message)
        #expect(try Message(payload: Self.unknownField + vector.payload) == vector.message)
    }

    @Test("a field that is not known is ignored inside the message", arguments: Vector.all.dropFirst())
    func unknownFieldInside(vector: Vector) throws {
        let payload = vector.payload
        let tag = payload.prefix((payload.firstIndex { $0 < 0x80 } ?? 0) + 1)
        let body = payload.dropFirst(tag.count + 1)
        #expect(payload[tag.count] == UInt8(body.count))
        let longer = tag + [UInt8(body.count + Self.unknownField.count)] + body + Self.unknownField
        #expect(try Message(payload: Array(longer)) == vector.message)
    }

    @Test("the acknowledged schema level is the one that is stated")
    func constants() {
        #expect(wireProtocolVersion == "1.4.5")
        #expect(wireALPN == "rstrm/1")
        #expect(WireLimits.framePayload == 65_535)
    }
}
