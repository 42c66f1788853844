// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// A control plane in the test's own process, on a free port of this host and without TLS.
package final class TestControlPlane: Sendable {
    package struct Request: Sendable, Hashable {
        package let path: String
        /// Names in lower case.
        package let headers: [String: String]
    }

    /// What it does with a request.
    package enum Answer: Sendable {
        case json(String)
        case status(Int, String = "")
        case redirect(to: String)
        /// An answer of so many bytes.
        case long(Int)
        /// Closes the connection.
        case none
        /// Says nothing.
        case silence
    }

    /// Every request since the start.
    package let requests: Observed<[Request]>
    /// What is answered from now on.
    package let answer: Observed<Answer>
    /// The base URL.
    package let url: String
    private let listener: any Channel

    private init(_ listener: any Channel, _ requests: Observed<[Request]>, _ answer: Observed<Answer>) {
        url = "http://127.0.0.1:\(listener.localAddress?.port ?? 0)"
        self.listener = listener
        self.requests = requests
        self.answer = answer
    }

    /// Serves until `body` returns.
    package static func with<Value>(
        _ answer: Answer,
        _ body: (TestControlPlane) async throws -> Value
    ) async throws -> Value {
        let requests = Observed<[Request]>([])
        let answer = Observed(answer)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Responder(requests, answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let plane = TestControlPlane(listener, requests, answer)
        do {
            let value = try await body(plane)
            await plane.stop()
            return value
        } catch {
            await plane.stop()
            throw error
        }
    }

    /// Takes connections no more, as one that is down.
    package func stop() async {
        try? await listener.close()
    }

    /// Answers as the test says. Confined to the channel's event loop.
    private final class Responder: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let requests: Observed<[Request]>
        private let answer: Observed<Answer>

        init(_ requests: Observed<[Request]>, _ answer: Observed<Answer>) {
            self.requests = requests
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .head(let head) = unwrapInboundIn(data) else { return }
            let headers = Dictionary(head.headers.map { ($0.name.lowercased(), $0.value) }) { "\($0), \($1)" }
            requests.change { $0.append(Request(path: head.uri, headers: headers)) }
            switch answer.value {
            case .json(let text): send(text, status: .ok, context)
            case .status(let code, let text): send(text, status: HTTPResponseStatus(statusCode: code), context)
            case .redirect(let place): send("", status: .found, location: place, context)
            case .long(let count): send(String(repeating: " ", count: count), status: .ok, context)
            case .none: context.close(promise: nil)
            case .silence: break
            }
        }

        private func send(
            _ text: String,
            status: HTTPResponseStatus,
            location: String? = nil,
            _ context: ChannelHandlerContext
        ) {
            var headers: HTTPHeaders = ["Content-Length": "\(text.utf8.count)"]
            if let location { headers.add(name: "Location", value: location) }
            let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
