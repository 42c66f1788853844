// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOPosix

/// Reads a kernel descriptor, such as one of inotify, on an event loop.
final class DescriptorReader: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let received: @Sendable ([UInt8]) -> Void

    private init(_ received: @escaping @Sendable ([UInt8]) -> Void) {
        self.received = received
    }

    /// Calls `received` with the bytes of each read, until the channel is closed or a read fails. The channel owns the
    /// descriptor.
    static func read(
        _ descriptor: CInt,
        on eventLoop: any EventLoop,
        received: @escaping @Sendable ([UInt8]) -> Void
    ) async throws -> any Channel {
        try await NIOPipeBootstrap(group: eventLoop)
            // Large enough for a series of events; the kernel returns only complete ones.
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
