// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import NIOSSL
import RstreamModel
import RstreamTestSupport

/// A proxy in the test's process. It dials 127.0.0.1, whatever host the client asks for.
final class FakeProxy: Sendable {
    /// Answers a request. It gets all bytes of the client so far, and returns nil until they are a whole request.
    typealias Dialogue = @Sendable (_ received: [UInt8]) -> Step?

    /// The next action of the proxy.
    struct Step: Sendable {
        /// How many bytes of the request were consumed.
        let taken: Int
        /// The bytes to answer with.
        let answer: [UInt8]
        /// Where to dial; nil to continue, or to close if `isLast` is true.
        var target: String?
        var isLast = false
    }

    /// The destinations of clients, in the order of arrival.
    let targets = Observed<[String]>([])
    /// All bytes of clients before a tunnel was open.
    let said = Observed<[String]>([])
    let connections = Observed<[any Channel]>([])
    private let tls: NIOSSLContext?
    private let knowsHalfClose: Bool
    private let steps: [Dialogue]

    private init(_ tls: NIOSSLContext?, _ knowsHalfClose: Bool, _ steps: [Dialogue]) {
        self.tls = tls
        self.knowsHalfClose = knowsHalfClose
        self.steps = steps
    }

    /// Serves while `body` runs, which gets the proxy and its address: by default one that is in no engine's
    /// certificate.
    static func with(
        tls: NIOSSLContext? = nil,
        knowsHalfClose: Bool = true,
        at host: String = "127.0.0.2",
        _ steps: [Dialogue],
        _ body: (FakeProxy, EngineAddress) async throws -> Void
    ) async throws {
        let proxy = FakeProxy(tls, knowsHalfClose, steps)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    proxy.connections.change { $0.append(channel) }
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.addHandler(RstreamClient(proxy))
                }
            }
            .bind(host: host, port: 0).get()
        let address = try EngineAddress("\(host):\(listener.localAddress?.port ?? 0)")
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(proxy, address))
        } catch {
            result = .failure(error)
        }
        try await listener.close()
        // Not awaited: it would block on a peer that does not close.
        for connection in proxy.connections.value { connection.close(promise: nil) }
        try result.get()
    }

    // MARK: Dialogues

    /// Reads a CONNECT request and answers it; the tunnel opens if the status is 200.
    static func http(answer: String = "HTTP/1.1 200 Connection established\r\n\r\n") -> [Dialogue] {
        [
            { received in
                let text = String(decoding: received, as: UTF8.self)
                guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
                let words = text.split(separator: " ")
                return Step(
                    taken: text[..<end.upperBound].utf8.count,
                    answer: Array(answer.utf8),
                    target: answer.hasPrefix("HTTP/1.1 200") && words.count > 1 ? String(words[1]) : nil,
                    isLast: true
                )
            }
        ]
    }

    /// Reads a SOCKS5 request, with RFC 1929 authentication if `user` is given.
    static func socks5(user: String? = nil, reply: UInt8 = 0) -> [Dialogue] {
        let greeting: Dialogue = { received in
            guard received.count >= 2, received.count >= 2 + Int(received[1]) else { return nil }
            let method: UInt8 = user == nil ? 0 : 2
            guard received[2..<2 + Int(received[1])].contains(method) else {
                return Step(taken: received.count, answer: [5, 0xFF], isLast: true)
            }
            return Step(taken: 2 + Int(received[1]), answer: [5, method])
        }
        let password: Dialogue = { received in
            guard received.count >= 2, received.count >= 3 + Int(received[1]) else { return nil }
            let name = Int(received[1])
            let length = 3 + name + Int(received[2 + name])
            guard received.count >= length else { return nil }
            let isRight = String(decoding: received[2..<2 + name], as: UTF8.self) == user
            return Step(taken: length, answer: [1, isRight ? 0 : 1], isLast: !isRight)
        }
        let request: Dialogue = { received in
            guard received.count >= 5 else { return nil }
            let length = received[3] == 3 ? 7 + Int(received[4]) : received[3] == 4 ? 22 : 10
            guard received.count >= length else { return nil }
            let address = received[4..<length - 2]
            let host =
                received[3] == 3
                ? String(decoding: address.dropFirst(), as: UTF8.self)
                : address.map { "\($0)" }.joined(separator: ".")
            let port = Int(received[length - 2]) << 8 | Int(received[length - 1])
            let answer: [UInt8] = [5, reply, 0, 1, 127, 0, 0, 1, 0, 1]
            return Step(taken: length, answer: answer, target: reply == 0 ? "\(host):\(port)" : nil, isLast: true)
        }
        return user == nil ? [greeting, request] : [greeting, password, request]
    }

    // MARK: Connections

    /// Runs the dialogue, then relays.
    private final class RstreamClient: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let proxy: FakeProxy
        private var received: [UInt8] = []
        private var step = 0
        private var isDialing = false
        private var partner: (any Channel)?

        init(_ proxy: FakeProxy) { self.proxy = proxy }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            if let partner { return partner.writeAndFlush(bytes, promise: nil) }
            received += bytes.readableBytesView
            goOn(context)
        }

        private func goOn(_ context: ChannelHandlerContext) {
            while !isDialing, step < proxy.steps.count, let next = proxy.steps[step](received) {
                step += 1
                let said = String(decoding: received.prefix(next.taken), as: UTF8.self)
                proxy.said.change { $0.append(said) }
                received.removeFirst(next.taken)
                if let target = next.target {
                    proxy.targets.change { $0.append(target) }
                    dial(target, next.answer, context)
                } else {
                    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: next.answer)), promise: nil)
                    if next.isLast { context.close(promise: nil) }
                }
            }
        }

        private func dial(_ target: String, _ answer: [UInt8], _ context: ChannelHandlerContext) {
            isDialing = true
            let port = target.split(separator: ":").last.flatMap { Int($0) } ?? 0
            let client = context.channel
            ClientBootstrap(group: context.eventLoop)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Back(to: client))
                    }
                }
                .connect(host: "127.0.0.1", port: port)
                .assumeIsolated()
                .whenComplete { result in
                    guard case .success(let channel) = result else { return client.close(promise: nil) }
                    self.partner = channel
                    client.writeAndFlush(ByteBuffer(bytes: answer), promise: nil)
                    channel.writeAndFlush(ByteBuffer(bytes: self.received), promise: nil)
                }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event {
                if proxy.knowsHalfClose {
                    partner?.close(mode: .output, promise: nil)
                } else {
                    context.close(promise: nil)
                }
            }
            context.fireUserInboundEventTriggered(event)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        func channelInactive(context: ChannelHandlerContext) { partner?.close(promise: nil) }
    }

    private final class Back: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let client: any Channel

        init(to client: any Channel) { self.client = client }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            client.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event { client.close(mode: .output, promise: nil) }
            context.fireUserInboundEventTriggered(event)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        func channelInactive(context: ChannelHandlerContext) { client.close(promise: nil) }
    }
}
