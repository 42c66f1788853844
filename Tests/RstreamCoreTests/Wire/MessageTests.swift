// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamModel
import RstreamWire
import Testing

@Suite("messages and their bytes")
struct MessageTests {
    @Test("a message that was written is read back the same", arguments: Samples.messages)
    func roundTrip(message: Message) throws {
        var reader = FrameReader(try frame(message))
        #expect(try reader.next() == message)
        #expect(reader.takeRemaining().readableBytes == 0)
    }

    @Test("no two different messages have the same bytes")
    func distinct() throws {
        var seen: [[UInt8]: Message] = [:]
        for message in Samples.messages {
            let payload = try message.payload()
            #expect(seen[payload] == nil, "\(message) and \(String(describing: seen[payload]))")
            seen[payload] = message
        }
    }

    @Test("the samples hold every kind, and the full properties every property")
    func coverage() {
        #expect(Set(Samples.messages.map(\.kind)).count == 18)
        let children = Mirror(reflecting: Samples.full).children
        #expect(children.count == 26)
        for child in children {
            #expect(!Mirror(reflecting: child.value).children.isEmpty || child.value is Bool, "\(child.label ?? "")")
        }
    }

    @Test("a property that is present and zero is an empty wrapper, not an absent one")
    func presence() throws {
        let present = properties { $0.publish = false }
        let request = Message.openTunnelRequest(OpenTunnelRequest(requestID: "r", properties: present))
        #expect(try request.payload() == bytes("2a07 0a0172 1202 2a00"))
        let absent = Message.openTunnelRequest(OpenTunnelRequest(requestID: "r", properties: TunnelProperties()))
        #expect(try absent.payload() == bytes("2a05 0a0172 1200"))
    }

    @Test(
        "an error's number is kept, known or not",
        arguments: [0, 1, 1000, 2010, 4711, 8000, 9000, 2_147_483_647, -1]
    )
    func errorCodes(number: Int) throws {
        let message = Message.proxyResponse(error: EngineError(code: EngineErrorCode(rawValue: number), message: "m"))
        #expect(try Message(payload: message.payload()) == message)
    }

    @Test("an unknown number is read from an engine's bytes as it is")
    func unknownErrorCode() throws {
        guard case .proxyResponse(let error?) = try Message(payload: bytes("6205 0a03 08e724")) else {
            Issue.record("no error was read")
            return
        }
        #expect(error.code.rawValue == 4_711)
        #expect(error.message.isEmpty)
    }

    @Test("an IPv6 source is sixteen octets in network order; any other number of octets is no source")
    func sources() throws {
        func source(_ hex: String) throws -> IPAddress? {
            guard case .proxyConnectionRequest(let request) = try Message(payload: bytes(hex)) else { return nil }
            return request.source
        }
        #expect(
            try source("4a14 2212 1210 20010db8000000000000000000000001") == IPAddress("2001:db8::1")
        )
        #expect(try source("4a08 2206 1204 c000020a") == nil)
        #expect(try source("4a04 2202 1200") == nil)
        #expect(try source("4a02 2200") == nil)
    }

    @Test("of two payloads in one message the last one counts")
    func lastWins() throws {
        #expect(try Message(payload: bytes("7a00 1a00")) == .closeControlChannelRequest)
    }

    @Test("printing a message shows no secret")
    func secrets() {
        for message in Samples.messages {
            let text = "\(message)"
            #expect(!text.contains("Secret(text"))
            #expect(!text.contains("\"token\""))
        }
        let request = Message.proxyRequest(
            ProxyRequest(details: ClientDetails(token: Secret("hunter2")), streamID: "s", zeroRTT: true)
        )
        var dumped = ""
        dump(request, to: &dumped)
        #expect(!dumped.contains("hunter2"))
        #expect(!"\(request)".contains("hunter2"))
    }
}
