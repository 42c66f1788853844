// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import Testing

@testable import DevEngine

@Suite("Parsing a ClientHello")
struct ClientHelloTests {
    @Test("finds the name, in lower case, and the protocols")
    func complete() {
        let bytes = Self.hello(name: "Web.T.Localhost", protocols: ["rstrm/1", "http/1.1"])
        let expected = ClientHello(serverName: "web.t.localhost", protocols: ["rstrm/1", "http/1.1"])
        #expect(ClientHello.read(Self.records(bytes)) == .hello(expected))
    }

    @Test("takes a client that says neither name nor protocols")
    func bare() {
        #expect(ClientHello.read(Self.records(Self.hello(name: nil, protocols: []))) == .hello(ClientHello()))
    }

    @Test("waits for the rest, wherever the bytes are cut")
    func truncated() {
        let bytes = Self.records(Self.hello(name: "web.t.localhost", protocols: ["http/1.1"]))
        for length in 0..<bytes.readableBytes {
            #expect(ClientHello.read(bytes.prefix(length)) == .needMore, "cut at \(length)")
        }
    }

    @Test("joins a hello that is spread over records", arguments: [1, 7, 100])
    func fragmented(size: Int) {
        let bytes = Self.records(Self.hello(name: "web.t.localhost", protocols: []), size: size)
        #expect(ClientHello.read(bytes) == .hello(ClientHello(serverName: "web.t.localhost")))
    }

    @Test(
        "refuses what is not one",
        arguments: [
            "GET / HTTP/1.1\r\n", "\u{16}\u{02}\u{00}\u{00}\u{05}hello", "\u{16}\u{03}\u{01}\u{00}\u{00}",
            "\u{16}\u{03}\u{01}\u{00}\u{04}\u{02}\u{00}\u{00}\u{00}",
        ]
    )
    func foreign(text: String) {
        #expect(ClientHello.read(ByteBuffer(string: text)) == .malformed)
    }

    @Test("refuses a hello that announces more than the limit")
    func tooLong() {
        let bytes: [UInt8] = [22, 3, 1, 0, 4, 1, 0xFF, 0xFF, 0xFF]
        #expect(ClientHello.read(ByteBuffer(bytes: bytes)) == .malformed)
    }

    @Test("refuses or reads any damaged hello, and never fails otherwise")
    func damaged() {
        let intact = Self.records(Self.hello(name: "web.t.localhost", protocols: ["http/1.1"]))
        for index in 0..<intact.readableBytes {
            for value: UInt8 in [0, 1, 0x7F, 0xFF] {
                var bytes = intact
                bytes.setInteger(value, at: index)
                _ = ClientHello.read(bytes)
            }
        }
    }

    // MARK: Building

    private static func hello(name: String?, protocols: [String]) -> ByteBuffer {
        var extensions = ByteBuffer()
        if let name {
            var entry = ByteBuffer(integer: UInt8(0))
            entry.writeVector(ByteBuffer(string: name), as: UInt16.self)
            extensions.writeExtension(0, list: entry)
        }
        // One the engine does not know.
        extensions.writeInteger(UInt16(0x2A2A))
        extensions.writeVector(ByteBuffer(bytes: [1, 2, 3]), as: UInt16.self)
        if !protocols.isEmpty {
            var list = ByteBuffer()
            for name in protocols { list.writeVector(ByteBuffer(string: name), as: UInt8.self) }
            extensions.writeExtension(16, list: list)
        }
        var body = ByteBuffer(repeating: 3, count: 34)
        body.writeVector(ByteBuffer(repeating: 9, count: 32), as: UInt8.self)
        body.writeVector(ByteBuffer(bytes: [0x13, 0x01]), as: UInt16.self)
        body.writeVector(ByteBuffer(bytes: [0]), as: UInt8.self)
        body.writeVector(extensions, as: UInt16.self)
        var message = ByteBuffer(bytes: [1, 0])
        message.writeVector(body, as: UInt16.self)
        return message
    }

    private static func records(_ message: ByteBuffer, size: Int = 16_384) -> ByteBuffer {
        var message = message
        var records = ByteBuffer()
        while message.readableBytes > 0, let part = message.readSlice(length: min(size, message.readableBytes)) {
            records.writeBytes([22, 3, 1])
            records.writeVector(part, as: UInt16.self)
        }
        return records
    }
}

extension ByteBuffer {
    fileprivate mutating func writeVector<Length: FixedWidthInteger>(_ bytes: ByteBuffer, as length: Length.Type) {
        writeInteger(Length(bytes.readableBytes))
        writeImmutableBuffer(bytes)
    }

    fileprivate mutating func writeExtension(_ type: UInt16, list: ByteBuffer) {
        var data = ByteBuffer()
        data.writeVector(list, as: UInt16.self)
        writeInteger(type)
        writeVector(data, as: UInt16.self)
    }

    fileprivate func prefix(_ length: Int) -> ByteBuffer {
        getSlice(at: readerIndex, length: length) ?? ByteBuffer()
    }
}
