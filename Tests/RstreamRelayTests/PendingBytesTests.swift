// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("The bytes of a local connection that is not joined yet")
struct PendingBytesTests {
    private struct Failed: Error {}

    private struct Buffered {
        let channel: EmbeddedChannel
        let network = NetworkEnd()
        let handler = PendingBytesHandler()
        let seen = Observed<[String]>([])

        init() throws {
            channel = EmbeddedChannel(handlers: [network, handler, EventRecorder(seen)])
        }

        func join() {
            channel.pipeline.syncOperations.removeHandler(handler, promise: nil)
        }
    }

    @Test("are buffered, and go on in the order of arrival when it is joined")
    func order() throws {
        let local = try Buffered()
        local.network.says("one")
        local.network.says("two")
        local.network.saysNoMoreForNow()
        local.network.endsInput()
        #expect(local.seen.value == [])
        local.join()
        #expect(local.seen.value == ["read one", "read two", "complete", "end"])
    }

    @Test("may be none, and then nothing is told, and later bytes pass")
    func nothing() throws {
        let local = try Buffered()
        local.join()
        #expect(local.seen.value == [])
        local.network.says("later")
        local.network.saysNoMoreForNow()
        #expect(local.seen.value == ["read later", "complete"])
    }

    @Test("go on before the first error that came after them")
    func error() throws {
        let local = try Buffered()
        local.network.says("x")
        local.network.fails(Failed())
        local.network.fails(Failed())
        local.join()
        #expect(local.seen.value == ["read x", "complete", "error"])
    }

    @Test("remain when the peer has ended in order, and only then")
    func remains() throws {
        let open = try Buffered()
        open.network.says("x")
        #expect(open.handler.remains == nil)
        let ended = try Buffered()
        ended.network.says("x")
        ended.network.endsInput()
        #expect(ended.handler.remains == [ByteBuffer(string: "x")])
        let broken = try Buffered()
        broken.network.says("x")
        broken.network.fails(Failed())
        broken.network.endsInput()
        #expect(broken.handler.remains == nil)
    }
}
