// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Logging
import NIOCore
import NIOEmbedded
import RstreamTestSupport
import Testing

@testable import DevEngine

@Suite("A connection of the dev engine")
struct ConnectionTests {
    private struct Failed: Error {}

    /// A role that records its events.
    private final class Recorder: ConnectionRole {
        private(set) var events: [String] = []

        func received(_ bytes: ByteBuffer) { events.append("read \(String(buffer: bytes))") }
        func readCompleted() { events.append("complete") }
        func inputClosed() { events.append("end") }
        func becameWritable() { events.append("writable") }
        func failed(_ error: any Error) { events.append("error \(error)") }
        func closed() { events.append("closed") }
    }

    /// Passes on what it has read only when it is removed, as a decoder does with its leftover.
    private final class RetainingHandler: ChannelInboundHandler, RemovableChannelHandler {
        typealias InboundIn = ByteBuffer
        typealias InboundOut = ByteBuffer

        private var bytes = ByteBuffer()

        func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
            bytes.writeImmutableBuffer(unwrapInboundIn(data))
        }

        func handlerRemoved(context: ChannelHandlerContext) { context.fireChannelRead(wrapInboundOut(bytes)) }
    }

    /// A connection on an embedded channel, with a role that records.
    private final class Accepted {
        let loop = EmbeddedEventLoop()
        let network = NetworkEnd()
        let role = Recorder()
        let engine: Engine
        let channel: EmbeddedChannel
        let connection: Connection

        init(in folder: TemporaryFolder) throws {
            var configuration = DevEngineConfiguration()
            configuration.stateDirectory = folder.path(of: "state")
            let credentials = try Credentials(configuration)
            engine = Engine(
                configuration: configuration,
                authentication: credentials.authentication,
                tls: credentials.tls,
                loop: loop,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            let socket = SocketHandler(decide: nil)
            channel = EmbeddedChannel(handlers: [network, socket], loop: loop)
            connection = Connection(engine: engine, channel: channel, socket: socket) { [role] in $0.role = role }
            try channel.pipeline.syncOperations.addHandler(connection)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            _ = network.newCalls()
        }

        func end() {
            _ = try? channel.finish()
            loop.run()
        }
    }

    private func withConnection(_ body: (Accepted) throws -> Void) async throws {
        try await TemporaryFolder.with { folder in
            let accepted = try Accepted(in: folder)
            defer { accepted.end() }
            try body(accepted)
        }
    }

    @Test("gives its role every event in order, and none after its end")
    func role() async throws {
        try await withConnection { accepted in
            #expect(accepted.engine.connections.count == 1)
            accepted.network.says("a")
            accepted.network.saysNoMoreForNow()
            accepted.network.becomesWritable()
            accepted.network.endsInput()
            accepted.network.fails(Failed())
            accepted.channel.close(promise: nil)
            accepted.network.says("b")
            accepted.network.fails(Failed())
            #expect(accepted.role.events == ["read a", "complete", "writable", "end", "error Failed()", "closed"])
            #expect(accepted.engine.connections.isEmpty)
        }
    }

    @Test("closes its output when everything was sent, or says that it could not be", arguments: [true, false])
    func finishesOutput(succeeds: Bool) async throws {
        try await withConnection { accepted in
            accepted.network.holdsWrites = true
            accepted.connection.send(ByteBuffer(string: "tail"))
            var outcomes: [Bool] = []
            accepted.connection.finishOutput { outcomes.append($0) }
            _ = accepted.network.newCalls()
            accepted.loop.run()
            #expect(outcomes == [])
            accepted.network.finishWrites(succeeds ? nil : Failed())
            accepted.loop.run()
            #expect(outcomes == [succeeds])
            #expect(accepted.network.newCalls() == (succeeds ? ["close output"] : []))
        }
    }

    @Test("that is closed with time for its peer reads on, and is reset when the peer does not end")
    func lingers() async throws {
        try await withConnection { accepted in
            accepted.connection.lingeringClose()
            accepted.loop.run()
            #expect(accepted.network.newCalls() == ["flush", "read", "close output"])
            accepted.network.says("ignored")
            accepted.network.saysNoMoreForNow()
            #expect(accepted.network.newCalls() == ["read"])
            let goodbye = accepted.engine.configuration.timeouts.goodbye
            accepted.loop.advanceTime(by: goodbye - .nanoseconds(1))
            #expect(accepted.network.newCalls() == [])
            accepted.loop.advanceTime(by: .nanoseconds(1))
            #expect(accepted.network.newCalls() == ["close all"])
            #expect(accepted.role.events == [])
        }
    }

    @Test("that is closed with time for its peer is closed in order when the peer ends")
    func lingersUntilTheEnd() async throws {
        try await withConnection { accepted in
            accepted.connection.lingeringClose()
            accepted.loop.run()
            _ = accepted.network.newCalls()
            accepted.network.endsInput()
            accepted.loop.run()
            #expect(accepted.network.newCalls() == ["flush", "close all"])
        }
    }

    @Test("gives its events to the handlers behind it, and takes back what they have not used, with the end")
    func detaches() async throws {
        try await withConnection { accepted in
            let retaining = RetainingHandler()
            try accepted.connection.handOn(to: [retaining])
            accepted.network.says("a")
            accepted.network.says("b")
            var rest: [String] = []
            accepted.connection.detach([retaining]) { bytes, hasEnded in
                rest.append("\(String(buffer: bytes)) \(hasEnded)")
            }
            accepted.loop.run()
            #expect(rest == ["ab false"])
            #expect(accepted.role.events == [])
            // Its events are its role's again.
            accepted.connection.role = accepted.role
            accepted.network.says("c")
            accepted.network.endsInput()
            #expect(accepted.role.events == ["read c", "end"])
        }
    }

    @Test("gives the handlers behind it errors, ends and the end of the connection too")
    func handsOn() async throws {
        try await withConnection { accepted in
            let seen = Observed<[String]>([])
            try accepted.connection.handOn(to: [EventRecorder(seen, isDetailed: true)])
            accepted.network.says("a")
            accepted.network.saysNoMoreForNow()
            accepted.network.fails(Failed())
            accepted.network.endsInput()
            accepted.channel.close(promise: nil)
            #expect(seen.value == ["read a", "complete", "error Failed()", "end", "inactive"])
            #expect(accepted.role.events == [])
        }
    }
}
