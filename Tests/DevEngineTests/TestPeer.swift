// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import NIOPosix
import NIOSSL
import RstreamModel
import RstreamWire

/// One connection to an engine, as an agent or dialer has it: frames first, then bytes.
final class TestPeer {
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var reader = FrameReader()

    /// Connects, and closes when `body` returns.
    static func connect<Value>(
        to engine: DevEngine,
        _ body: (TestPeer) async throws -> Value
    ) async throws -> Value {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(engine.caPEM.utf8)))
        configuration.applicationProtocols = [wireALPN]
        // A stream whose other half is still open gets no close_notify back, and nothing here waits for one.
        configuration.shutdownTimeout = .milliseconds(50)
        let context = try NIOSSLContext(configuration: configuration)
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: engine.address.host, port: engine.address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: "localhost")
                    try channel.pipeline.syncOperations.addHandler(tls)
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true)
                    )
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            let peer = TestPeer(inbound: inbound.makeAsyncIterator(), outbound: outbound)
            return try await body(peer)
        }
    }

    private init(
        inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
        outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.inbound = inbound
        self.outbound = outbound
    }

    func send(_ message: Message) async throws {
        var buffer = ByteBuffer()
        try buffer.writeFrame(message)
        try await outbound.write(buffer)
    }

    func send(_ text: String) async throws {
        try await outbound.write(ByteBuffer(string: text))
    }

    func finish() { outbound.finish() }

    /// The next frame; nil at the end.
    func message() async throws -> Message? {
        while true {
            if let message = try reader.next() { return message }
            guard var bytes = try await inbound.next(isolation: #isolation) else { return nil }
            reader.append(&bytes)
        }
    }

    /// Payload until there are as many bytes, or the end.
    func text(_ length: Int = .max) async throws -> String {
        var all = reader.takeRemaining()
        while all.readableBytes < length, var bytes = try await inbound.next(isolation: #isolation) {
            all.writeBuffer(&bytes)
        }
        return String(buffer: all)
    }

    // MARK: What agents say

    static let details = ClientDetails(agent: "test", token: Secret("token"), protocolVersion: wireProtocolVersion)

    func open(interval: UInt32 = 5_000) async throws -> Message? {
        let liveness = WireLiveness(intervalMilliseconds: interval)
        try await send(
            .openControlChannelRequest(OpenControlChannelRequest(details: Self.details, liveness: liveness))
        )
        return try await message()
    }

    func openTunnel(_ change: (inout TunnelProperties) -> Void) async throws -> OpenTunnelResponse.Outcome? {
        var properties = TunnelProperties()
        change(&properties)
        try await send(.openTunnelRequest(OpenTunnelRequest(requestID: "request", properties: properties)))
        guard case .openTunnelResponse(let response) = try await message() else { return nil }
        return response.outcome
    }

    /// What was granted for a `tcp` tunnel; throws when it was not.
    func openTCP(port: UInt32? = nil) async throws -> TunnelProperties {
        struct Refused: Error {
            let outcome: OpenTunnelResponse.Outcome?
        }
        let outcome = try await openTunnel { ($0.protocol, $0.port) = ("tcp", port) }
        guard case .granted(let properties) = outcome else { throw Refused(outcome: outcome) }
        return properties
    }

    func proxyConnectionRequest() async throws -> ProxyConnectionRequest? {
        guard case .proxyConnectionRequest(let request) = try await message() else { return nil }
        return request
    }
}
