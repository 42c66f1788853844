// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("The half-close filter")
struct HalfCloseFilterTests {
    private func connection() throws -> (EmbeddedChannel, NetworkEnd) {
        let network = NetworkEnd()
        let channel = EmbeddedChannel(handlers: [network, HalfCloseFilter()])
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/x")).wait()
        _ = network.newCalls()
        return (channel, network)
    }

    @Test("drops a half-close and completes its promise")
    func output() throws {
        let (channel, network) = try connection()
        try channel.close(mode: .output).wait()
        #expect(network.newCalls() == [])
        #expect(channel.isActive)
        // Writes still pass.
        channel.writeAndFlush(ByteBuffer(string: "x"), promise: nil)
        #expect(network.newCalls() == ["write x", "flush"])
    }

    @Test("passes other closes on", arguments: [true, false])
    func others(closesAll: Bool) throws {
        let (channel, network) = try connection()
        channel.close(mode: closesAll ? .all : .input, promise: nil)
        #expect(network.newCalls() == [closesAll ? "close all" : "close input"])
        #expect(channel.isActive == !closesAll)
    }
}
