// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore
package import Rstream
package import RstreamDaemonModel
package import RstreamModel
internal import RstreamSocket

extension Upstream {
    /// Checks the upstream as `health` says, and drops the connection.
    ///
    /// - Returns: Why it did not pass; nil when it did.
    package func check(
        _ health: UpstreamHealthOptions,
        names: NameService = .host,
        on eventLoop: any EventLoop
    ) async -> RstreamError? {
        let start = ContinuousClock.now
        do {
            let dialed = UpstreamDialer.dial(
                self,
                within: .check(health.timeout),
                preface: options.tls == nil ? nil : checkHeader,
                names: names,
                on: eventLoop
            )
            switch health.check {
            case .tcp: try await dialed.get().abort()
            case .http(let check):
                try await dialed.flatMap { channel in
                    let left = health.timeout - start.duration(to: .now)
                    return HTTPCheckHandler.ask(channel, check, of: self, within: left)
                }.get()
            }
            return nil
        } catch {
            return error as? RstreamError ?? RstreamError.dial(of: self, failed: error)
        }
    }

    /// A check is no visitor, and the header of the PROXY protocol says so.
    fileprivate var checkHeader: ByteBuffer? {
        options.proxyProtocol.map {
            ByteBuffer(bytes: ProxyProtocol.header($0, source: nil, destinationPort: nil))
        }
    }
}

/// Sends one request and waits for the status of its answer.
///
/// Confined to the channel's event loop.
private final class HTTPCheckHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let answered: EventLoopPromise<Int>
    private var status = HTTPStatusReader()

    private init(_ answered: EventLoopPromise<Int>) {
        self.answered = answered
    }

    /// Fails with ``RstreamError`` unless the answer has a status of a healthy service. The connection is dropped.
    static func ask(
        _ channel: any Channel,
        _ check: UpstreamHealthOptions.HTTPCheck,
        of upstream: Upstream,
        within timeout: Duration
    ) -> EventLoopFuture<Void> {
        let eventLoop = channel.eventLoop
        let answered = eventLoop.makePromise(of: Int.self)
        let timer = eventLoop.scheduleTask(in: TimeAmount(max(timeout, .milliseconds(1)))) {
            answered.fail(Failure.silent)
        }
        do {
            let pipeline = channel.pipeline.syncOperations
            let pending = try pipeline.handler(type: PendingBytesHandler.self)
            try pipeline.addHandler(HTTPCheckHandler(answered))
            pipeline.removeHandler(pending, promise: nil)
            var request = ByteBuffer()
            // With TLS the header has gone ahead of it.
            if upstream.options.tls == nil, let header = upstream.checkHeader {
                request.writeImmutableBuffer(header)
            }
            request.writeString(
                "GET \(check.path) HTTP/1.1\r\nHost: \(check.host)\r\nUser-Agent: rstreamd\r\nConnection: close\r\n\r\n"
            )
            channel.writeAndFlush(request, promise: nil)
            channel.read()
        } catch {
            answered.fail(Failure.closed)
        }
        return answered.futureResult.flatMapThrowing { status in
            guard check.statuses.contains(status) else { throw Failure.status(status) }
        }.flatMapErrorThrowing { error in
            throw RstreamError.check(
                of: upstream,
                failed: (error as? Failure)?.description ?? Failure.closed.description
            )
        }.always { _ in
            timer.cancel()
            channel.abort()
        }
    }

    private enum Failure: Error, CustomStringConvertible {
        case silent
        case closed
        case foreign
        case status(Int)

        var description: String {
            switch self {
            case .silent: "no answer within health.timeout"
            case .closed: "the connection ended before the answer"
            case .foreign: "the answer is not HTTP/1"
            case .status(let status): "the answer has status \(status)"
            }
        }
    }

    func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
        switch status.received(unwrapInboundIn(data).readableBytesView) {
        case .needsMore: break
        case .status(let status): answered.succeed(status)
        case .malformed: answered.fail(Failure.foreign)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.read() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event {
            answered.fail(Failure.closed)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        answered.fail(Failure.closed)
        context.fireChannelInactive()
    }

    func errorCaught(context _: ChannelHandlerContext, error _: any Error) { answered.fail(Failure.closed) }
}
