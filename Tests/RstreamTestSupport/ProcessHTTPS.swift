// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore
import NIOPosix
import NIOSSL

/// Connections to an engine on this host that verify its certificate, and one HTTP request over such a connection.
package struct ProcessHTTPS: Sendable {
    package let port: Int
    private let context: NIOSSLContext

    /// Trusts only the authority in a PEM file.
    package init(port: Int, caFile: String) throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(caFile)
        context = try NIOSSLContext(configuration: configuration)
        self.port = port
    }

    /// Connects with TLS; `name` is shown to the engine and verified.
    package func connect(
        to name: String,
        adding makeHandlers: @escaping @Sendable () -> [any ChannelHandler & SendableMetatype]
    ) async throws -> any Channel {
        let context = context
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(try NIOSSLClientHandler(context: context, serverHostname: name))
                    try pipeline.addHandlers(makeHandlers())
                }
            }
            .connect(host: "127.0.0.1", port: port)
            .get()
    }

    /// The answer to a request.
    package struct Answer: Sendable {
        package let status: Int
        package let body: ByteBuffer
    }

    /// Sends a request that ends its connection, and returns the answer; chunked answers are not understood.
    package func request(
        _ method: String,
        _ path: String,
        host: String = "localhost",
        token: String? = nil,
        body: String = ""
    ) async throws -> Answer {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let whole = loop.makePromise(of: ByteBuffer.self)
        let channel: any Channel
        do {
            channel = try await connect(to: host) { [WholeAnswerHandler(whole)] }
        } catch {
            whole.fail(error)
            throw error
        }
        let credential = token.map { "Authorization: Bearer \($0)\r\n" } ?? ""
        let head =
            "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n\(credential)Connection: close\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n"
        channel.writeAndFlush(ByteBuffer(string: head + body), promise: nil)
        let deadline = loop.scheduleTask(in: TimeAmount(testTimeout)) { channel.close(promise: nil) }
        defer { deadline.cancel() }
        var bytes = try await whole.futureResult.get()
        let end = bytes.readableBytesView.firstRange(of: [13, 10, 13, 10])
        guard let end, let headText = bytes.readString(length: end.lowerBound - bytes.readerIndex),
            let status = headText.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { throw POSIXFailure("the answer to \(method) \(path)", 0) }
        bytes.moveReaderIndex(forwardBy: 4)
        return Answer(status: status, body: bytes)
    }
}

/// Collects everything until the connection ends.
private final class WholeAnswerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let promise: EventLoopPromise<ByteBuffer>
    private var bytes = ByteBuffer()

    init(_ promise: EventLoopPromise<ByteBuffer>) { self.promise = promise }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = unwrapInboundIn(data)
        bytes.writeBuffer(&part)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if bytes.readableBytes == 0 { promise.fail(error) }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.succeed(bytes)
        context.fireChannelInactive()
    }
}
