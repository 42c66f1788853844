// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import NIOPosix
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("A descriptor that is read on an event loop", .timeLimit(.hang))
struct DescriptorReaderTests {
    /// A pipe, whose reading end is read.
    private func source() async throws -> (write: CInt, read: Observed<[UInt8]>, channel: any Channel) {
        var ends: [CInt] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let read = Observed<[UInt8]>([])
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let channel = try await DescriptorReader.read(ends[0], on: loop) { bytes in
            read.change { $0 += bytes }
        }
        return (ends[1], read, channel)
    }

    @Test("hands on what comes, in order, and is closed at its end")
    func reads() async throws {
        let (end, read, channel) = try await source()
        for text in ["one ", "two"] { #expect(write(end, text, text.utf8.count) == text.utf8.count) }
        try await read.wait(for: "both") { $0 == Array("one two".utf8) }
        close(end)
        try await channel.closeFuture.get()
    }

    @Test("is closed when reading fails")
    func fails() async throws {
        struct Failed: Error {}
        let (end, _, channel) = try await source()
        channel.pipeline.fireErrorCaught(Failed())
        try await channel.closeFuture.get()
        close(end)
    }
}
