// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOHPACK
import NIOHTTP2
import RstreamModel

/// Sets `:authority` from `host` in a visitor's HTTP/2 request that has only the latter.
///
/// A gateway that converts HTTP/1 requests uses `host` (RFC 9113 §8.3.1), and NIO's codec refuses requests without an
/// `:authority`. A request with both and different values gets two `host` fields, as in HTTP/1, and is refused later.
///
/// It stands before the codec. Confined to the event loop.
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
