// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOHTTP1
internal import RstreamModel

/// Encodes an HTTP request with a bearer token, in place of NIO's encoder. The buffer is overwritten when it has been
/// written, and only this handler adds the token, so no copy of it stays in memory.
///
/// For ``ControlPlane`` queries only: requests without a body whose headers were checked. Confined to the channel's
/// event loop.
final class RequestWriter: ChannelOutboundHandler {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = ByteBuffer

    private let token: Secret

    init(token: Secret) {
        self.token = token
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(let head) = unwrapOutboundIn(data) else {
            promise?.succeed()
            return
        }
        let lines = head.headers.map { "\($0.name): \($0.value)\r\n" }.joined()
        let text = "\(head.method.rawValue) \(head.uri) HTTP/1.1\r\n\(lines)Authorization: Bearer "
        let end = "\r\n\r\n"
        // Large enough from the start: growing would leave a copy of the token in memory.
        var buffer = ByteBufferAllocator().buffer(capacity: text.utf8.count + token.count + end.utf8.count)
        buffer.writeString(text)
        token.withBytes { _ = buffer.writeBytes($0) }
        buffer.writeString(end)
        let written = buffer.overwritten(on: context.eventLoop)
        written.futureResult.cascade(to: promise)
        context.write(wrapOutboundOut(buffer), promise: written)
    }
}
