import NIOCore
import NIOEmbedded
import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("What a local side says before it is joined")
struct UpstreamHoldTests {
    private struct Failed: Error {}

    private struct Held {
        let channel: EmbeddedChannel
        let network = NetworkEnd()
        let hold = UpstreamHoldHandler()
        let seen = Observed<[String]>([])

        init() throws {
            channel = EmbeddedChannel(handlers: [network, hold, EventRecorder(seen)])
        }

        func join() {
            channel.pipeline.syncOperations.removeHandler(hold, promise: nil)
        }
    }

    @Test("is held, and goes on in the order of arrival when it is joined")
    func order() throws {
        let held = try Held()
        held.network.says("one")
        held.network.says("two")
        held.network.saysNoMoreForNow()
        held.network.endsInput()
        #expect(held.seen.value == [])
        held.join()
        #expect(held.seen.value == ["read one", "read two", "complete", "end"])
    }

    @Test("is nothing, and then nothing is told, and what comes later passes")
    func nothing() throws {
        let held = try Held()
        held.join()
        #expect(held.seen.value == [])
        held.network.says("later")
        held.network.saysNoMoreForNow()
        #expect(held.seen.value == ["read later", "complete"])
    }

    @Test("is told before the first error that came after it")
    func error() throws {
        let held = try Held()
        held.network.says("x")
        held.network.fails(Failed())
        held.network.fails(Failed())
        held.join()
        #expect(held.seen.value == ["read x", "complete", "error"])
    }

    @Test("remains for whoever asks when the side has ended in order, and only then")
    func remains() throws {
        let open = try Held()
        open.network.says("x")
        #expect(open.hold.remains == nil)
        let ended = try Held()
        ended.network.says("x")
        ended.network.endsInput()
        #expect(ended.hold.remains == [ByteBuffer(string: "x")])
        let broken = try Held()
        broken.network.says("x")
        broken.network.fails(Failed())
        broken.network.endsInput()
        #expect(broken.hold.remains == nil)
    }
}
