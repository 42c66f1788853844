import NIOCore
import NIOHPACK
import NIOHTTP2
import RstreamModel

/// Stands before the codec of a visitor's stream, which refuses requests without an `:authority`, and looks at none where there
/// is a `host`.
///
/// Whoever turns requests of HTTP/1 into those of HTTP/2 names the host as it was named (RFC 9113 §8.3.1), in `host`. A request
/// with two hosts that differ has two of that name behind the codec, as it would in HTTP/1.
final class AuthorityHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .headers(var frame) = unwrapInboundIn(data), frame.headers.contains(name: ":method") else {
            return context.fireChannelRead(data)
        }
        let (authority, host) = (frame.headers.first(name: ":authority"), frame.headers.first(name: "host"))
        switch (authority, host) {
        case (nil, let host?): frame.headers.add(name: ":authority", value: host)
        case (let authority?, let host?) where !authority.asciiLowercased.sameBytes(as: host.asciiLowercased):
            frame.headers.add(name: "host", value: authority)
        case (_?, _?), (_, nil): break
        }
        context.fireChannelRead(wrapInboundOut(.headers(frame)))
    }
}
