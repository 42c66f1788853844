// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOPosix

/// The API of a container engine, as far as `rstreamd-docker` asks it: a list, and a stream of events.
package final class TestContainerAPI: Sendable {
    package enum Place: Sendable {
        case unix(path: String)
        /// A free port of 127.0.0.1.
        case tcp
    }

    /// What it answers.
    package enum Behaviour: Sendable {
        /// As Docker does.
        case serves
        /// Exactly this, and then the connection ends.
        case says(String)
        /// Nothing.
        case isSilent
    }

    private struct State: Sendable {
        var listing: String
        var behaviour = Behaviour.serves
        /// Readers of events.
        var followers: [any Channel] = []
    }

    /// The first lines of all requests.
    package let requests = Observed<[String]>([])
    private let state: Observed<State>
    private let listener: any Channel

    /// Zero unless the place is TCP.
    package var port: Int { listener.localAddress?.port ?? 0 }

    private init(_ listener: any Channel, _ state: Observed<State>) {
        (self.listener, self.state) = (listener, state)
    }

    /// Serves until `body` returns.
    package static func with<Value>(
        at place: Place,
        _ containers: [TestContainer] = [],
        _ body: (TestContainerAPI) async throws -> Value
    ) async throws -> Value {
        let state = Observed(State(listing: TestContainer.listing(containers)))
        let asked = Observed<(@Sendable (String, any Channel) -> Void)?>(nil)
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(RequestLineHandler { asked.value?($0, $1) })
                }
            }
        let listener =
            switch place {
            case .unix(let path): try await bootstrap.bind(unixDomainSocketPath: path).get()
            case .tcp: try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
            }
        let api = TestContainerAPI(listener, state)
        asked.change { $0 = { api.answer($0, $1) } }
        do {
            let value = try await body(api)
            await api.stop()
            return value
        } catch {
            await api.stop()
            throw error
        }
    }

    private func stop() async {
        try? await listener.close()
        dropFollowers()
    }

    // MARK: What the test does with it

    /// Lists these containers from now on, and tells the readers of events.
    package func change(to containers: [TestContainer], event: String) {
        change(listing: TestContainer.listing(containers), event: event)
    }

    /// Lists exactly this from now on, and says exactly that to the readers of events.
    package func change(listing: String, event: String) {
        state.change { $0.listing = listing }
        tell(event)
    }

    package func change(to behaviour: Behaviour) { state.change { $0.behaviour = behaviour } }

    /// Says exactly this to the readers of events.
    package func tell(_ text: String) {
        for follower in state.value.followers { follower.writeAndFlush(Self.chunk(text.utf8), promise: nil) }
    }

    /// Ends every stream of events, once there is one, and answers like this from then on.
    package func endEvents(_ behaviour: Behaviour = .serves) async throws {
        try await state.wait(for: "a reader of events") { !$0.followers.isEmpty }
        change(to: behaviour)
        dropFollowers()
    }

    private func dropFollowers() {
        var followers: [any Channel] = []
        state.change { state in
            followers = state.followers
            state.followers = []
        }
        for follower in followers { follower.close(promise: nil) }
    }

    // MARK: Answers

    private func answer(_ line: String, _ channel: any Channel) {
        let now = state.value
        switch now.behaviour {
        case .isSilent: break
        case .says(let text):
            channel.writeAndFlush(ByteBuffer(string: text)).whenComplete { _ in channel.close(promise: nil) }
        case .serves:
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            channel.writeAndFlush(ByteBuffer(string: head), promise: nil)
            if line.hasPrefix("GET /events") {
                state.change { $0.followers.append(channel) }
            } else {
                for start in stride(from: 0, to: now.listing.utf8.count, by: 1_000) {
                    channel.writeAndFlush(
                        Self.chunk(now.listing.utf8.dropFirst(start).prefix(1_000)),
                        promise: nil
                    )
                }
                channel.writeAndFlush(ByteBuffer(string: "0\r\n\r\n"), promise: nil)
            }
        }
        // After what follows from it.
        requests.change { $0.append(line) }
    }

    private static func chunk(_ bytes: some Collection<UInt8>) -> ByteBuffer {
        ByteBuffer(bytes: Array("\(String(bytes.count, radix: 16))\r\n".utf8) + Array(bytes) + Array("\r\n".utf8))
    }
}

/// Reads requests without a body.
private final class RequestLineHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let asked: @Sendable (String, any Channel) -> Void
    private var text = ""

    init(_ asked: @escaping @Sendable (String, any Channel) -> Void) { self.asked = asked }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        text += String(buffer: unwrapInboundIn(data))
        while let end = text.firstRange(of: "\r\n\r\n") {
            let line = text.prefix { $0 != "\r\n" }
            text = String(text[end.upperBound...])
            asked(String(line), context.channel)
        }
    }
}
