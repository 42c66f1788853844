// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import NIOEmbedded
import RstreamTestSupport
import Testing

@testable import Rstream

/// What the library needs of whoever speaks TLS to engines. All implementations do it alike.
@Suite("TLS to an engine")
struct TLSConformanceTests {
    private static let all = TLSClient.Implementation.allCases

    private static func open(
        _ implementation: TLSClient.Implementation,
        allowsHalfClose: Bool = true,
        _ settings: (inout RawTLSServer.Settings) -> Void = { _ in }
    ) throws -> TLSPair {
        let fixture = try TLSFixture()
        let pair = try TLSPair(
            try fixture.client(implementation),
            try fixture.server(settings),
            allowsHalfClose: allowsHalfClose
        )
        pair.exchange()
        try #require(pair.client.isOpen && pair.server.isOpen, "\(pair.client.events)")
        return pair
    }

    // MARK: Bytes

    @Test("agrees on the protocol, sends the name, and carries bytes both ways", arguments: all)
    func bytes(implementation: TLSClient.Implementation) throws {
        let pair = try Self.open(implementation)
        #expect(pair.client.events == ["open rstrm/1"])
        #expect(pair.server.serverName == TLSFixture.name)
        let outcomes = pair.write("hello").outcomes()
        pair.server.send("welcome")
        pair.exchange()
        #expect(pair.server.heard == Array("hello".utf8))
        #expect(pair.client.text == "welcome")
        #expect(outcomes.value.count == 1)
        #expect(pair.client.failures.isEmpty)
    }

    @Test("opens without a protocol where the server chooses none", arguments: all)
    func noProtocol(implementation: TLSClient.Implementation) throws {
        let pair = try Self.open(implementation) { $0.agreesOnProtocol = false }
        #expect(pair.client.events == ["open -"])
    }

    @Test("sends no name for an address, and verifies the address", arguments: all)
    func address(implementation: TLSClient.Implementation) throws {
        let fixture = try TLSFixture()
        let (client, server) = (try fixture.client(implementation), try fixture.server())
        let right = try TLSPair(client, server, to: "192.0.2.1")
        right.exchange()
        #expect(right.client.isOpen)
        #expect(right.server.serverName == nil)
        let wrong = try TLSPair(client, server, to: "192.0.2.2")
        wrong.exchange()
        #expect(!wrong.client.isOpen)
        #expect(wrong.client.failures.first?.hasPrefix("the certificate is not valid for \"192.0.2.2\"") == true)
    }

    @Test("sends what is written, and then ended, by those who hear that a write has left", arguments: all)
    func followUp(implementation: TLSClient.Implementation) throws {
        let pair = try Self.open(implementation)
        let channel = pair.channel
        pair.write("first ").assumeIsolated().whenSuccess {
            channel.writeAndFlush(ByteBuffer(string: "second"), promise: nil)
            channel.close(mode: .output, promise: nil)
        }
        pair.exchange()
        #expect(pair.server.heard == Array("first second".utf8))
        #expect(pair.server.hasEnded)
        #expect(pair.client.failures.isEmpty)
    }

    @Test("closes in order after a half-close, in the middle of what one read brought", arguments: all)
    func closeWhileReading(implementation: TLSClient.Implementation) throws {
        let pair = try Self.open(implementation)
        pair.channel.close(mode: .output, promise: nil)
        pair.exchange()
        pair.client.answer = { $0.close(promise: nil) }
        for _ in 0..<20 { pair.server.send([UInt8](repeating: 1, count: 10_000)) }
        pair.exchange()
        pair.server.closeOutput()
        pair.exchange()
        #expect(pair.client.failures.isEmpty, "\(pair.client.events)")
    }

    @Test("takes bytes one at a time, in both directions", arguments: all)
    func slow(implementation: TLSClient.Implementation) throws {
        let fixture = try TLSFixture()
        let pair = try TLSPair(try fixture.client(implementation), try fixture.server())
        pair.write("early")
        pair.exchange { $0.map { [$0] } }
        pair.server.send("late")
        pair.exchange { $0.map { [$0] } }
        #expect(pair.server.heard == Array("early".utf8))
        #expect(pair.client.text == "late")
    }

    @Test("carries long transfers in records and reads of any size", arguments: all, [nil, 512, 4_000])
    func long(implementation: TLSClient.Implementation, recordSize: Int?) throws {
        var random = SplitMix(seed: 7)
        let pair = try Self.open(implementation) { $0.recordSize = recordSize }
        let sent = (0..<300_000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        var rest = sent[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(Int.random(in: 1...70_000, using: &random)))
            rest = rest.dropFirst(part.count)
            pair.write(part)
            pair.server.send(part)
            pair.exchange { bytes in
                var (pieces, bytes): ([[UInt8]], ArraySlice<UInt8>) = ([], bytes[...])
                while !bytes.isEmpty {
                    let piece = Array(bytes.prefix(Int.random(in: 1...20_000, using: &random)))
                    bytes = bytes.dropFirst(piece.count)
                    pieces.append(piece)
                }
                return pieces
            }
        }
        #expect(pair.server.heard == sent)
        #expect(pair.client.bytes == sent)
        #expect(pair.client.failures.isEmpty)
    }

    @Test("keeps what is written during the handshake, and completes it afterwards", arguments: all)
    func earlyWrites(implementation: TLSClient.Implementation) throws {
        let fixture = try TLSFixture()
        let pair = try TLSPair(try fixture.client(implementation), try fixture.server())
        let outcomes = (pair.write("one, ").outcomes(), pair.write("").outcomes(), pair.write("two").outcomes())
        #expect(outcomes.0.value.isEmpty)
        pair.exchange()
        #expect(pair.server.heard == Array("one, two".utf8))
        #expect([outcomes.0, outcomes.1, outcomes.2].allSatisfy { $0.value.first?.hasPrefix("success") == true })
    }

    @Test("follows a change of keys, and changes its own when asked", arguments: all)
    func keyUpdate(implementation: TLSClient.Implementation) throws {
        let pair = try Self.open(implementation)
        for round in 1...3 {
            pair.server.updateKeys()
            pair.server.send("\(round)")
            pair.exchange()
            pair.write("\(round)")
            pair.exchange()
        }
        #expect(pair.client.text == "123")
        #expect(pair.server.heard == Array("123".utf8))
        #expect(!pair.server.hasFailed)
    }

    // MARK: The end

    @Test("says close_notify at a half-close, and still reads", arguments: all)
    func halfClose(implementation: TLSClient.Implementation) throws {
        let pair = try Self.open(implementation)
        pair.write("question")
        let closed = pair.channel.close(mode: .output).outcomes()
        pair.exchange()
        #expect(pair.server.heard == Array("question".utf8))
        #expect(pair.server.hasEnded)
        #expect(closed.value.first?.hasPrefix("success") == true)
        let late = pair.write("late").outcomes()
        #expect(late.value.first?.hasPrefix("failure") == true)
        pair.server.send("answer")
        pair.exchange()
        #expect(pair.client.text == "answer")
        #expect(pair.channel.isActive)
        pair.server.closeOutput()
        pair.exchange()
        #expect(pair.client.events.contains("end"))
        #expect(pair.client.failures.isEmpty)
        #expect(!pair.channel.isActive)
    }

    @Test("says close_notify after what was written during the handshake", arguments: all)
    func earlyHalfClose(implementation: TLSClient.Implementation) throws {
        let fixture = try TLSFixture()
        let pair = try TLSPair(try fixture.client(implementation), try fixture.server())
        pair.write("question")
        let closed = pair.channel.close(mode: .output).outcomes()
        pair.exchange()
        #expect(pair.server.heard == Array("question".utf8))
        #expect(pair.server.hasEnded)
        #expect(closed.value.first?.hasPrefix("success") == true)
        #expect(pair.channel.isActive)
    }

    @Test("passes on the peer's half-close after its bytes, and still writes", arguments: all)
    func peersHalfClose(implementation: TLSClient.Implementation) throws {
        let pair = try Self.open(implementation)
        pair.server.send("last")
        pair.server.closeOutput()
        pair.exchange()
        #expect(pair.client.events == ["open rstrm/1", "bytes", "end"])
        pair.write("more")
        pair.exchange()
        #expect(pair.server.heard == Array("more".utf8))
        pair.channel.close(promise: nil)
        pair.exchange()
        #expect(pair.server.hasEnded)
        #expect(!pair.channel.isActive)
        #expect(pair.client.failures.isEmpty)
    }

    @Test("ends with the peer's close_notify where half-closes are not allowed", arguments: all)
    func fullClose(implementation: TLSClient.Implementation) throws {
        let pair = try Self.open(implementation, allowsHalfClose: false)
        pair.server.closeOutput()
        pair.exchange()
        #expect(!pair.channel.isActive)
        #expect(pair.client.failures.isEmpty)
    }

    @Test("waits for the peer's close_notify, but not for long", arguments: all)
    func closing(implementation: TLSClient.Implementation) throws {
        let polite = try Self.open(implementation, allowsHalfClose: false)
        let (waiting, silent) = (polite.channel.close().outcomes(), try Self.open(implementation))
        polite.exchange()
        #expect(polite.server.hasEnded)
        #expect(waiting.value.isEmpty)
        polite.server.closeOutput()
        polite.exchange()
        #expect(waiting.value.first?.hasPrefix("success") == true)
        let outcomes = [silent.channel.close().outcomes(), silent.channel.close().outcomes()]
        silent.exchange()
        #expect(silent.channel.isActive)
        silent.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!silent.channel.isActive)
        #expect(outcomes.allSatisfy { $0.value.first?.hasPrefix("success") == true })
    }

    @Test("takes a connection that ends without close_notify for one that was cut off", arguments: all)
    func truncation(implementation: TLSClient.Implementation) throws {
        let half = try Self.open(implementation)
        half.server.send("part")
        half.exchange()
        half.endInput()
        #expect(half.client.events == ["open rstrm/1", "bytes", "failed: the connection was cut off", "end"])
        let whole = try Self.open(implementation)
        whole.network.cutOff()
        #expect(whole.client.events == ["open rstrm/1", "failed: the connection was cut off", "closed"])
    }

    @Test("takes no half of a record", arguments: all)
    func halfRecord(implementation: TLSClient.Implementation) throws {
        let pair = try Self.open(implementation)
        pair.server.send("whole")
        pair.exchange()
        pair.server.send("half")
        pair.deliver(pair.server.take().dropLast())
        pair.endInput()
        #expect(pair.client.text == "whole")
        #expect(pair.client.failures == ["the connection was cut off"])
    }

    @Test("names a connection that ends during the handshake, and fails what was written", arguments: all)
    func early(implementation: TLSClient.Implementation) throws {
        let fixture = try TLSFixture()
        let (client, server) = (try fixture.client(implementation), try fixture.server())
        let half = try TLSPair(client, server)
        half.endInput()
        #expect(half.client.failures == ["the connection was closed during the TLS handshake"])
        let whole = try TLSPair(client, server)
        let outcomes = whole.write("lost").outcomes()
        whole.network.cutOff()
        #expect(whole.client.failures == ["the connection was closed during the TLS handshake"])
        #expect(outcomes.value.first?.hasPrefix("failure") == true)
        let given = try TLSPair(client, server)
        let lost = given.write("lost").outcomes()
        given.channel.close(promise: nil)
        #expect(!given.channel.isActive)
        #expect(given.client.failures.isEmpty)
        #expect(lost.value.first?.hasPrefix("failure") == true)
    }

    @Test("passes on a reset", arguments: all)
    func reset(implementation: TLSClient.Implementation) throws {
        let pair = try Self.open(implementation)
        pair.channel.pipeline.fireErrorCaught(IOError(errnoCode: ECONNRESET, reason: "read"))
        #expect(pair.client.failures == ["the connection was reset"])
    }

    @Test("fails at bytes after the peer's close_notify", arguments: all)
    func afterTheEnd(implementation: TLSClient.Implementation) throws {
        let pair = try Self.open(implementation)
        pair.server.closeOutput()
        pair.exchange()
        pair.deliver([23, 3, 3, 0, 1, 0])
        #expect(pair.client.failures == ["TLS failed"])
        #expect(!pair.channel.isActive)
    }

    // MARK: Alerts

    @Test(
        "has a text for an alert in the handshake",
        arguments: all,
        [
            (40, "found no cipher, group or signature scheme"), (70, "does not speak TLS 1.3"),
            (80, "has an internal error"), (112, "does not know the requested server name"),
            (120, "but not the protocol of the engine"), (255, "unknown alert"),
        ]
    )
    func alert(implementation: TLSClient.Implementation, alert: (code: UInt8, text: String)) throws {
        let fixture = try TLSFixture()
        let pair = try TLSPair(try fixture.client(implementation), try fixture.server())
        pair.deliver([21, 3, 3, 0, 2, 2, alert.code])
        #expect(pair.client.failures.count == 1)
        // An alert that BoringSSL does not know has no name.
        let isNamed = alert.code != 255
        #expect(!isNamed || pair.client.failures.first?.contains(alert.text) == true, "\(pair.client.failures)")
        #expect(!pair.channel.isActive)
    }

    @Test(
        "has a text for an alert after the handshake",
        arguments: all,
        [
            (42, "or did not receive one"), (45, "it has expired"), (48, "its authority is unknown"),
            (80, "internal error"),
        ]
    )
    func lateAlert(implementation: TLSClient.Implementation, alert: (code: UInt8, text: String)) throws {
        let pair = try Self.open(implementation)
        pair.server.send("before")
        pair.server.sendAlert(alert.code)
        let outcomes = pair.write("lost").outcomes()
        pair.exchange()
        #expect(pair.client.failures.count == 1)
        #expect(pair.client.failures.first?.contains(alert.text) == true, "\(pair.client.failures)")
        #expect(!pair.channel.isActive)
        #expect(outcomes.value.count == 1)
    }

    @Test("has a text for a server that speaks something else, or an old TLS", arguments: all)
    func otherProtocols(implementation: TLSClient.Implementation) throws {
        let fixture = try TLSFixture()
        let client = try fixture.client(implementation)
        for text in ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH\r\n"] {
            let pair = try TLSPair(client, try fixture.server())
            pair.deliver(Array(text.utf8))
            #expect(pair.client.failures == ["the server does not speak TLS"])
            #expect(!pair.channel.isActive)
        }
        let old = try TLSPair(client, try fixture.server { $0.isOnlyOld = true })
        old.exchange()
        #expect(old.client.failures == ["the engine does not speak TLS 1.3 or newer"])
    }
}
