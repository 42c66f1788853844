import NIOCore
import NIOEmbedded
import RstreamCore
import RstreamModel
import RstreamTestSupport
import RstreamWire
import Testing

@testable import Rstream

@Suite("What arrives before a stream is taken")
struct StreamHoldTests {
    private struct Failed: Error {}

    /// A connection whose handshake is over and that nobody has taken yet.
    private struct Held {
        let channel: EmbeddedChannel
        let network = NetworkEnd()
        let hold: StreamHoldHandler
        let seen = Observed<[String]>([])

        init() throws {
            let address = try EngineAddress("127.0.0.1:1")
            let loop = EmbeddedEventLoop()
            let handshake = StreamHandshake(
                StreamHandshakeStateMachine.Plan(
                    request: .streamRequest(
                        StreamRequest(details: ClientDetails(agent: "a"), tunnelIDOrName: "t", zeroRTT: true)
                    ),
                    attempts: 1
                ),
                connector: try RstreamClient(RstreamClientOptions(engine: address, credential: .none)).makeConnector(
                    to: address
                ),
                address: address,
                on: loop,
                patience: .each(dial: .seconds(1), answer: .seconds(1))
            )
            hold = StreamHoldHandler(handshake: handshake)
            handshake.cancel(.callCancelled)
            handshake.start().whenComplete { _ in }
            channel = EmbeddedChannel(handlers: [network, hold], loop: loop)
            try channel.connect(to: SocketAddress(unixDomainSocketPath: "/x")).wait()
            _ = network.newCalls()
        }

        /// Takes the stream over.
        func take() throws {
            try ArrivedStream(channel: channel).start {
                try $0.pipeline.syncOperations.addHandler(EventRecorder(seen))
            }
        }
    }

    @Test("goes to whoever takes it in the order of arrival, after the channel became active")
    func order() throws {
        let held = try Held()
        held.network.says("one ")
        held.network.says("two")
        held.network.endsInput()
        #expect(held.seen.value == [])
        try held.take()
        #expect(held.seen.value == ["active", "read one two", "complete", "end"])
    }

    @Test("may be nothing, and then only the channel's activity is told")
    func nothing() throws {
        let held = try Held()
        try held.take()
        #expect(held.seen.value == ["active"])
        held.network.says("later")
        held.network.saysNoMoreForNow()
        held.network.endsInput()
        #expect(held.seen.value == ["active", "read later", "complete", "end"])
    }

    @Test("is told before the error that came after it")
    func error() throws {
        let held = try Held()
        held.network.says("x")
        held.network.fails(Failed())
        held.network.fails(Failed())
        try held.take()
        #expect(held.seen.value == ["active", "read x", "complete", "error"])
    }

    @Test("is not asked for: one read when the connection stands, none after what came")
    func reads() throws {
        let held = try Held()
        held.network.becomesActive()
        #expect(held.network.newCalls() == ["read"])
        held.network.says("x")
        held.network.saysNoMoreForNow()
        #expect(held.network.newCalls() == [])
    }

    @Test("is given once: a second start finds nothing")
    func twice() throws {
        let held = try Held()
        held.network.says("x")
        try held.take()
        let second = Observed<[String]>([])
        try ArrivedStream(channel: held.channel).start {
            try $0.pipeline.syncOperations.addHandler(EventRecorder(second))
        }
        #expect(second.value == [])
    }
}
