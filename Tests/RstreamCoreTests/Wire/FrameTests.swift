// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamModel
import RstreamWire
import Testing

@Suite("frames and their limit")
struct FrameTests {
    /// A server message whose frame has a payload of `length` bytes.
    private func message(ofPayload length: Int) throws -> Message {
        // The only thing of a message that may be as long as a frame is a list; each of its words takes two bytes more.
        var properties = TunnelProperties()
        properties.tlsCiphers = Array(repeating: String(repeating: "a", count: 200), count: length / 203 - 1)
        func made() -> Message { .openTunnelRequest(OpenTunnelRequest(requestID: "r", properties: properties)) }
        // One more word takes up the rest: a byte of tag, one of length and its own, which is less than 128.
        while length - (try made().payload().count) > 120 {
            properties.tlsCiphers.append(String(repeating: "b", count: 50))
        }
        let rest = length - (try made().payload().count)
        properties.tlsCiphers.append(String(repeating: "c", count: rest - 2))
        let message = made()
        try #require(message.payload().count == length)
        return message
    }

    @Test(
        "a header above the limit is an error before a byte of its payload came",
        arguments: [0x0001_0000, 0x0001_0001, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] as [UInt32]
    )
    func oversizedHeader(length: UInt32) {
        var buffer = ByteBuffer(integer: length)
        var reader = FrameReader()
        reader.append(&buffer)
        #expect(throws: FrameError.tooLarge(length: Int(length))) { try reader.next() }
    }

    @Test("an oversized header behind a good frame is found after the frame was read")
    func oversizedLater() throws {
        var reader = FrameReader(bytes("00000002 7a00 00010000"))
        #expect(try reader.next() == .heartbeat(Heartbeat()))
        #expect(throws: FrameError.tooLarge(length: 65_536)) { try reader.next() }
    }

    @Test("exactly 65,535 bytes work in both directions")
    func largest() throws {
        let message = try message(ofPayload: 65_535)
        let frame = try frame(message)
        #expect(frame.prefix(4) == [0, 0, 0xFF, 0xFF])
        #expect(frame.count == 4 + 65_535)
        var reader = FrameReader(frame)
        #expect(try reader.next() == message)
    }

    @Test("a message that is too long is an error, and not one byte of it is written")
    func oversizedMessage() throws {
        let message = try message(ofPayload: 65_536)
        var buffer = ByteBuffer(string: "before")
        #expect(throws: FrameError.tooLarge(length: 65_536)) { try buffer.writeFrame(message) }
        #expect(String(buffer: buffer) == "before")
    }

    @Test("frames are appended to what stands in a buffer already")
    func appended() throws {
        var buffer = ByteBuffer()
        try buffer.writeFrame(.heartbeat(Heartbeat()))
        try buffer.writeFrame(.closeControlChannelRequest)
        #expect(Array(buffer.readableBytesView) == bytes("00000002 7a00 00000002 1a00"))
    }

    @Test("a frame without payload has no meaning, and is no error")
    func zeroLength() throws {
        var reader = FrameReader(bytes("00000000 00000000 00000002 7a00"))
        #expect(try reader.next() == .unknown)
        #expect(try reader.next() == .unknown)
        #expect(try reader.next() == .heartbeat(Heartbeat()))
        #expect(try reader.next() == nil)
    }

    @Test("a kind of payload that this level does not know has no meaning, and is no error")
    func unknownKind() throws {
        // Field 18 holds a message.
        var reader = FrameReader(bytes("00000005 920102 0801 00000002 7a00"))
        #expect(try reader.next() == .unknown)
        #expect(try reader.next() == .heartbeat(Heartbeat()))
    }

    @Test(
        "bytes that are no message are an error",
        arguments: [
            "ff", "ffffff", "00", "0a", "0a7f", "0a01", "7a0208", "7a02ffff", "7b", "7a03080100ff",
            // A text that is not UTF-8.
            "3a030a01ff", "3a040a02c328",
            // An address of the wrong wire type inside a good request.
            "4a 06 22 04 0d 0000 00",
        ]
    )
    func garbage(hex: String) {
        var reader = FrameReader(frame(payload: bytes(hex)))
        #expect(throws: FrameError.malformed) { try reader.next() }
        #expect(throws: FrameError.malformed) { try Message(payload: bytes(hex)) }
    }

    @Test("what stands behind the last frame is payload, and is handed over whole")
    func remaining() throws {
        var reader = FrameReader(bytes("00000002 6200") + Array("hello".utf8))
        #expect(try reader.next() == .proxyResponse(error: nil))
        #expect(String(buffer: reader.takeRemaining()) == "hello")
        #expect(reader.takeRemaining().readableBytes == 0)
        #expect(try reader.next() == nil)
    }

    @Test("payload that came in pieces behind a frame is handed over in order")
    func remainingPieces() throws {
        var reader = FrameReader(bytes("00000002 62"))
        #expect(try reader.next() == nil)
        reader.append(bytes("00 6869"))
        reader.append(Array(" there".utf8))
        #expect(try reader.next() == .proxyResponse(error: nil))
        #expect(String(buffer: reader.takeRemaining()) == "hi there")
    }

    @Test("appending takes the bytes away from the caller")
    func consumed() {
        var reader = FrameReader()
        var first = ByteBuffer(bytes: [0, 0])
        var second = ByteBuffer(bytes: [0, 2, 0x7A])
        reader.append(&first)
        reader.append(&second)
        #expect(first.readableBytes == 0)
        #expect(second.readableBytes == 0)
        #expect(reader.takeRemaining().readableBytes == 5)
    }

    @Test("a peer whose every packet ends inside a frame does not make the reader grow")
    func bounded() throws {
        let frame = try frame(try message(ofPayload: 20_000))
        var reader = FrameReader(frame.prefix(1))
        let shifted = ByteBuffer(bytes: Array(frame.dropFirst() + frame.prefix(1)))
        var count = 0
        for _ in 0..<200 {
            var piece = shifted
            reader.append(&piece)
            while try reader.next() != nil { count += 1 }
        }
        #expect(count == 200)
        let rest = reader.takeRemaining()
        #expect(rest.readableBytes == 1)
        #expect(rest.storageCapacity <= 4 * WireLimits.framePayload, "4 MB went through")
    }

    @Test(
        "the beginnings of other protocols are told from lengths that are too great",
        arguments: [
            ("HTTP", "a web server"), ("<!DO", "a web server"), ("<!do", "a web server"), ("<htm", "a web server"),
            ("SSH-", "an SSH server"), ("220 ", "a mail or FTP server"), ("abcd", nil), ("HTTQ", nil),
        ] as [(String, String?)]
    )
    func strangers(start: String, stranger: String?) {
        var reader = FrameReader()
        var buffer = ByteBuffer(string: start + "P/1.1 400 Bad Request")
        reader.append(&buffer)
        let error = #expect(throws: FrameError.self) { try reader.next() }
        #expect(error?.stranger == stranger)
    }

    @Test("no other error is the beginning of another protocol")
    func noStranger() {
        for length in [-1, 65_536, 1 << 40, .max] { #expect(FrameError.tooLarge(length: length).stranger == nil) }
        #expect(FrameError.malformed.stranger == nil)
    }

    @Test("errors say how much was too much")
    func descriptions() {
        #expect(FrameError.tooLarge(length: 70_000).description.contains("70000"))
        #expect(!FrameError.malformed.description.isEmpty)
    }
}
