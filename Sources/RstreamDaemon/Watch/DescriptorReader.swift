internal import NIOCore
internal import NIOPosix

/// Reads a descriptor of the kernel's, like inotify's, on an event loop.
final class DescriptorReader: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let received: @Sendable ([UInt8]) -> Void

    private init(_ received: @escaping @Sendable ([UInt8]) -> Void) {
        self.received = received
    }

    /// Hands on what each read returns, until the channel is closed or reading fails; then the descriptor is closed.
    static func read(
        _ descriptor: CInt,
        on eventLoop: any EventLoop,
        received: @escaping @Sendable ([UInt8]) -> Void
    ) async throws -> any Channel {
        try await NIOPipeBootstrap(group: eventLoop)
            // One read takes whole events, and as many as come in a series.
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 16_384))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DescriptorReader(received))
                }
            }
            .takingOwnershipOfDescriptor(input: descriptor)
            .get()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received(Array(unwrapInboundIn(data).readableBytesView))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
