// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Linux
import NIOCore
import NIOPosix
import RstreamTestSupport
import Testing

extension Integration {
    /// What streams hold whose peers send as much as they can and read nothing.
    @Suite(.timeLimit(.hang)) struct UnreadTests {
        private static let streams = 100
        /// What the allocator cannot give back, and what comes with the first streams.
        private static let slack = 12 * 1_024 * 1_024

        enum Silent: String, CaseIterable, Sendable {
            case visitors, services, both
        }

        /// The number in the code by which `limits.streams` follows the memory that there may be.
        @Test("a stream holds no more than is reckoned with, and nothing when it is gone", arguments: Silent.allCases)
        func held(by silent: Silent) async throws {
            let taken = Observed(0)
            try await Upstream.serving {
                [Flooder(sends: silent != .services, taken)]
            } during: { upstream in
                let settings = Pair.quick + "\nlimits: { pendingStreams: 1000 }"
                try await Pair.with(tunnels: Pair.raw(upstream), settings: settings) { pair in
                    let port = try await pair.rawPort()
                    let pid = pair.daemon.process.pid
                    #expect(await Self.isTaken(port))
                    try await pair.engine.wait { $0.relays == 0 }
                    let before = ProcessFacts.anonymousBytes(of: pid)
                    let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                        .channelInitializer { channel in
                            channel.eventLoop.makeCompletedFuture {
                                let flooder = Flooder(sends: silent != .visitors, taken)
                                try channel.pipeline.syncOperations.addHandler(flooder)
                            }
                        }
                    var visitors: [any Channel] = []
                    for _ in 0..<Self.streams {
                        visitors.append(try await bootstrap.connect(host: "127.0.0.1", port: port).get())
                    }
                    try await pair.engine.wait { $0.relays == Self.streams }
                    try await Self.standstill(taken)
                    let held = (ProcessFacts.anonymousBytes(of: pid) - before) / Self.streams
                    for visitor in visitors {
                        if let socket = visitor as? any SocketOptionProvider {
                            try? await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
                        }
                        visitor.close(promise: nil)
                    }
                    try await pair.engine.wait { $0.relays == 0 }
                    let left = try await ProcessFacts.settled(at: before + Self.slack) {
                        ProcessFacts.anonymousBytes(of: pid)
                    }
                    print(
                        "unread by \(silent): \(held >> 10) KiB for each of \(Self.streams) streams; "
                            + "\(before >> 20) MiB before, \(left >> 20) MiB at the end"
                    )
                    #expect(held <= MemoryBudget.perStream)
                    #expect(left <= before + Self.slack)
                }
            }
        }

        /// A visitor that goes at once.
        private static func isTaken(_ port: Int) async -> Bool {
            guard let visitor = try? await TestConnection.connect(toPort: port) else { return false }
            await visitor.reset()
            return true
        }

        /// Returns when a second has gone by in which nothing was taken.
        private static func standstill(_ taken: Observed<Int>) async throws {
            try await within("a standstill", limit: .seconds(60)) {
                var before = -1
                while taken.value != before {
                    before = taken.value
                    try await Task.sleep(for: .seconds(1))
                }
            }
        }
    }
}

/// Reads nothing, and sends as much as is taken, if anything; counts that in an ``Observed``.
private final class Flooder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let chunk = ByteBuffer(repeating: 0, count: 65_536)
    private let sends: Bool
    private let taken: Observed<Int>

    init(sends: Bool, _ taken: Observed<Int>) {
        (self.sends, self.taken) = (sends, taken)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        try? context.channel.syncOptions?.setOption(.autoRead, value: false)
    }

    func channelActive(context: ChannelHandlerContext) { send(context) }

    func channelWritabilityChanged(context: ChannelHandlerContext) { send(context) }

    private func send(_ context: ChannelHandlerContext) {
        guard sends else { return }
        // A channel that breaks meanwhile stays writable.
        while context.channel.isActive, context.channel.isWritable {
            context.writeAndFlush(wrapOutboundOut(Self.chunk), promise: nil)
            taken.change { $0 += Self.chunk.readableBytes }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error _: any Error) { context.close(promise: nil) }
}
