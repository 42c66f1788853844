// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOHTTP1

/// The parts of one request.
struct HTTPRequest: Equatable {
    let head: HTTPRequestHead
    var body: [UInt8] = []
    var trailers: HTTPHeaders?
    var isComplete = false
}

/// Stands last in a pipeline and keeps the requests that reach it.
///
/// Confined to its channel's event loop.
final class RequestCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    private(set) var requests: [HTTPRequest] = []
    private(set) var hasFailed = false
    /// Called with each part, before it is kept.
    var onPart: (inout HTTPServerRequestPart) -> Void = { _ in }

    func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
        var part = unwrapInboundIn(data)
        onPart(&part)
        switch part {
        case .head(let head): requests.append(HTTPRequest(head: head))
        case .body(let bytes):
            guard let last = requests.indices.last else { return }
            requests[last].body += bytes.readableBytesView
        case .end(let trailers):
            guard let last = requests.indices.last else { return }
            requests[last].trailers = trailers
            requests[last].isComplete = true
        }
    }

    func errorCaught(context _: ChannelHandlerContext, error _: any Error) { hasFailed = true }
}
