import NIOCore
import NIOEmbedded
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("The end of one direction in a proxy's tunnel")
struct TunnelEndTests {
    private func connection() throws -> (EmbeddedChannel, NetworkEnd) {
        let network = NetworkEnd()
        let channel = EmbeddedChannel(handlers: [network, TunnelEndHandler()])
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/x")).wait()
        _ = network.newCalls()
        return (channel, network)
    }

    @Test("is kept from the proxy, and is done for whoever asked")
    func output() throws {
        let (channel, network) = try connection()
        try channel.close(mode: .output).wait()
        #expect(network.newCalls() == [])
        #expect(channel.isActive)
        // What was written before and comes after is no business of its.
        channel.writeAndFlush(ByteBuffer(string: "x"), promise: nil)
        #expect(network.newCalls() == ["write x", "flush"])
    }

    @Test("is no end of the connection, which passes", arguments: [true, false])
    func others(closesAll: Bool) throws {
        let (channel, network) = try connection()
        channel.close(mode: closesAll ? .all : .input, promise: nil)
        #expect(network.newCalls() == [closesAll ? "close all" : "close input"])
        #expect(channel.isActive == !closesAll)
    }
}
