// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
package import RstreamAdmin

/// A daemon's admin socket in the test's own process, which answers what the test says.
package final class TestAdmin: Sendable {
    package struct Request: Sendable, Hashable {
        package let method: String
        /// Path and query, as they came.
        package let target: String
        /// Names in lower case.
        package let headers: [String: String]
        package let body: String

        /// `GET /v1/status`
        package var line: String { "\(method) \(target)" }
    }

    package enum Answer: Sendable {
        case reply(Int, String)
        /// A stream of events that begins with this text and goes on with ``TestAdmin/tell(_:)``.
        case events(String)
        /// Says nothing.
        case silence
        /// Closes the connection.
        case none

        package static func ok(_ text: String) -> Self { .reply(200, text) }
    }

    package typealias Answers = @Sendable (Request) -> Answer

    /// Every request since the start.
    package let requests = Observed<[Request]>([])
    /// What is answered from now on.
    package let answers: Observed<Answers>
    /// The streams of events that were asked for.
    private let streams = Observed<[any Channel]>([])
    private let listener = Observed<(any Channel)?>(nil)

    private init(_ answers: @escaping Answers) { self.answers = Observed(answers) }

    /// Serves at a path until `body` returns.
    package static func with<Value>(
        at path: String,
        _ answers: @escaping Answers,
        _ body: (TestAdmin) async throws -> Value
    ) async throws -> Value {
        let admin = TestAdmin(answers)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Responder(admin))
                }
            }
            .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
        admin.listener.change { $0 = listener }
        do {
            let value = try await body(admin)
            await admin.stop()
            return value
        } catch {
            await admin.stop()
            throw error
        }
    }

    /// Says something on every stream of events.
    package func tell(_ text: String) {
        for channel in streams.value {
            let part = HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: text)))
            channel.writeAndFlush(part, promise: nil)
        }
    }

    /// Ends the streams of events in order, as a daemon that another process has taken over from.
    package func endStreams() {
        let ending = streams.value
        streams.change { $0 = [] }
        for channel in ending {
            channel.writeAndFlush(HTTPServerResponsePart.end(nil)).whenComplete { _ in channel.close(promise: nil) }
        }
    }

    /// Takes connections no more and drops those there are, as a daemon that is gone.
    package func stop() async {
        try? await listener.value?.close()
        for channel in streams.value { channel.close(promise: nil) }
    }

    /// Answers as the test says. Confined to the channel's event loop.
    private final class Responder: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let admin: TestAdmin
        private var head: HTTPRequestHead?
        private var body = ByteBuffer()

        init(_ admin: TestAdmin) { self.admin = admin }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): self.head = head
            case .body(let part): body.writeImmutableBuffer(part)
            case .end:
                guard let head else { return }
                let headers = Dictionary(head.headers.map { ($0.name.lowercased(), $0.value) }) { "\($0), \($1)" }
                let request = Request(
                    method: head.method.rawValue,
                    target: head.uri,
                    headers: headers,
                    body: String(buffer: body)
                )
                // Decided before the test sees the request, and may change the answers.
                let answer = admin.answers.value(request)
                admin.requests.change { $0.append(request) }
                respond(answer, context)
            }
        }

        private func respond(_ answer: Answer, _ context: ChannelHandlerContext) {
            switch answer {
            case .reply(let status, let text):
                let head = HTTPResponseHead(
                    version: .http1_1,
                    status: HTTPResponseStatus(statusCode: status),
                    headers: status == 204 ? [:] : ["Content-Length": "\(text.utf8.count)"]
                )
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            case .events(let text):
                // First: who has read the text may be told something at once.
                let channel = context.channel
                admin.streams.change { $0.append(channel) }
                let head = HTTPResponseHead(
                    version: .http1_1,
                    status: .ok,
                    headers: ["Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"]
                )
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
            case .silence: break
            case .none: context.close(promise: nil)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}

extension AdminClient.Timeouts {
    /// For a daemon that answers, however slow it is.
    package static let long: Self = {
        var timeouts = Self()
        (timeouts.answer, timeouts.reload, timeouts.events) = (.seconds(600), .seconds(600), .seconds(600))
        timeouts.upgrade = .seconds(600)
        return timeouts
    }()
}
