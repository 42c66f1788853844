// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamModel
import RstreamWire
import Testing

/// A whole frame and what it means.
struct Vector: Sendable, CustomTestStringConvertible {
    let name: String
    let frame: [UInt8]
    let message: Message

    var testDescription: String { name }
    var payload: [UInt8] { Array(frame.dropFirst(4)) }

    init(_ name: String, _ hex: String, _ message: Message) {
        self.name = name
        frame = bytes(hex)
        self.message = message
    }

    /// The test vectors of PROTOCOL.md §2.
    static let all: [Vector] = [
        Vector("empty", "00000000", .unknown),
        Vector(
            "OpenControlChannelReq",
            "0000001c 0a1a 0a13 0a030a0161 32030a0174 3a070a05312e342e35 1203 088827",
            .openControlChannelRequest(
                OpenControlChannelRequest(
                    details: ClientDetails(agent: "a", token: Secret("t"), protocolVersion: "1.4.5"),
                    liveness: WireLiveness(intervalMilliseconds: 5_000)
                )
            )
        ),
        Vector(
            "OpenControlChannelRsp ok",
            "0000000f 120d 0a0b 0a0163 1a06 088827 109875",
            .openControlChannelResponse(
                .ok(
                    clientID: "c",
                    serverDetails: nil,
                    liveness: WireLiveness(intervalMilliseconds: 5_000, timeoutMilliseconds: 15_000)
                )
            )
        ),
        Vector(
            "OpenControlChannelRsp error",
            "0000000d 120b 1209 08e807 12040a026e6f",
            .openControlChannelResponse(.error(EngineError(code: .unauthorized, message: "no")))
        ),
        Vector("Heartbeat sequence", "00000004 7a020801", .heartbeat(Heartbeat(sequence: 1))),
        Vector("Heartbeat acknowledgement", "00000004 7a021001", .heartbeat(Heartbeat(acknowledgement: 1))),
        Vector("Heartbeat legacy", "00000002 7a00", .heartbeat(Heartbeat())),
        Vector("CloseControlChannelReq", "00000002 1a00", .closeControlChannelRequest),
        Vector("CloseControlChannelRsp", "00000002 2200", .closeControlChannelResponse),
        Vector(
            "OpenTunnelReq",
            "00000010 2a0e 0a0172 1209 1a050a03776562 2a00",
            .openTunnelRequest(
                OpenTunnelRequest(
                    requestID: "r",
                    properties: properties {
                        $0.name = "web"
                        $0.publish = false
                    }
                )
            )
        ),
        Vector(
            "OpenTunnelRsp",
            "0000000d 320b 0a0172 1206 0a040a027431",
            .openTunnelResponse(OpenTunnelResponse(requestID: "r", outcome: .granted(properties { $0.id = "t1" })))
        ),
        Vector("CloseTunnelReq", "00000006 3a040a027431", .closeTunnelRequest(tunnelID: "t1")),
        Vector("CloseTunnelRsp", "00000006 42040a027431", .closeTunnelResponse(tunnelID: "t1")),
        Vector(
            "ProxyConnReq",
            "00000016 4a14 0a027431 12027331 1a030a016b 2205 0d0a0200c0",
            .proxyConnectionRequest(
                ProxyConnectionRequest(
                    tunnelID: "t1",
                    streamID: "s1",
                    secret: Secret("k"),
                    source: .v4(0xC000_020A)
                )
            )
        ),
        Vector(
            "ProxyConnRsp ok",
            "00000006 52040a027331",
            .proxyConnectionResponse(ProxyConnectionResponse(streamID: "s1"))
        ),
        Vector(
            "ProxyConnRsp error",
            "0000000b 5209 0a027331 1203 08f02e",
            .proxyConnectionResponse(
                ProxyConnectionResponse(streamID: "s1", error: EngineError(code: .serviceUnavailable))
            )
        ),
        Vector(
            "ProxyReq zero_rtt true",
            "00000011 5a0f 0a0532030a016b 12027331 1a020801",
            .proxyRequest(ProxyRequest(details: ClientDetails(token: Secret("k")), streamID: "s1", zeroRTT: true))
        ),
        Vector(
            "ProxyReq zero_rtt false",
            "0000000f 5a0d 0a0532030a016b 12027331 1a00",
            .proxyRequest(ProxyRequest(details: ClientDetails(token: Secret("k")), streamID: "s1", zeroRTT: false))
        ),
        Vector("ProxyRsp", "00000002 6200", .proxyResponse(error: nil)),
        Vector("StreamRsp", "00000006 72040a027331", .streamResponse(.connected(streamID: "s1"))),
        Vector(
            "DatagramChannelClose",
            "00000007 8a0104 0a027331",
            .datagramChannelClose(streamID: "s1", error: nil)
        ),
    ]
}

/// Properties with these changes.
func properties(_ change: (inout TunnelProperties) -> Void) -> TunnelProperties {
    var properties = TunnelProperties()
    change(&properties)
    return properties
}

/// The bytes that a line of hexadecimal digits stands for; white space is skipped.
func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

extension FrameReader {
    /// A reader that has received these bytes.
    init(_ bytes: some Sequence<UInt8>) {
        self.init()
        append(bytes)
    }

    mutating func append(_ bytes: some Sequence<UInt8>) {
        var buffer = ByteBuffer(bytes: bytes)
        append(&buffer)
    }
}

/// The frame of a message.
func frame(_ message: Message) throws(FrameError) -> [UInt8] {
    var buffer = ByteBuffer()
    try buffer.writeFrame(message)
    return Array(buffer.readableBytesView)
}

/// A frame around any payload.
func frame(payload: [UInt8]) -> [UInt8] {
    var buffer = ByteBuffer()
    buffer.writeInteger(UInt32(payload.count))
    buffer.writeBytes(payload)
    return Array(buffer.readableBytesView)
}
