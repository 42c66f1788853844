// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
package import NIOCore
import Synchronization

/// What a process writes, line by line, kept and awaited. Guarded by a mutex.
package final class ProcessLines: Sendable {
    /// The line that was waited for did not come.
    package struct NotSeen: Error, CustomStringConvertible {
        package let description: String
    }

    private struct Waiter {
        let id: Int
        let from: Int
        let isWanted: @Sendable (String) -> Bool
        let promise: EventLoopPromise<(index: Int, line: String)>
    }

    private struct State {
        var lines: [String] = []
        var hasEnded = false
        var waiters: [Waiter] = []
        var nextID = 0
    }

    private let state = Lock(State())
    private let eventLoop: any EventLoop
    /// Whether what is written is for people to read, and by a program of this package.
    private let areOurs: Bool

    package init(on eventLoop: any EventLoop, areOurs: Bool = false) {
        self.eventLoop = eventLoop
        self.areOurs = areOurs
    }

    /// Every line so far.
    package var all: [String] { state.withLock { $0.lines } }

    /// How many lines there are; a place to start looking from.
    package var count: Int { state.withLock { $0.lines.count } }

    /// Returns the first line from `from` on that is wanted, as soon as it is there.
    package func first(
        from: Int = 0,
        within timeout: TimeAmount = TimeAmount(testTimeout),
        where isWanted: @escaping @Sendable (String) -> Bool
    ) async throws -> (index: Int, line: String) {
        let promise = eventLoop.makePromise(of: (index: Int, line: String).self)
        let id = state.withLock { state -> Int? in
            if let index = state.lines.indices.dropFirst(from).first(where: { isWanted(state.lines[$0]) }) {
                promise.succeed((index, state.lines[index]))
                return nil
            }
            state.nextID += 1
            state.waiters.append(Waiter(id: state.nextID, from: from, isWanted: isWanted, promise: promise))
            return state.hasEnded ? nil : state.nextID
        }
        guard let id else {
            if state.withLock({ $0.hasEnded }) { giveUp(nil, "the process ended before") }
            return try await promise.futureResult.get()
        }
        let deadline = eventLoop.scheduleTask(in: timeout) {
            self.giveUp(id, "not within \(timeout.nanoseconds / 1_000_000) ms")
        }
        defer { deadline.cancel() }
        return try await promise.futureResult.get()
    }

    private func giveUp(_ id: Int?, _ reason: String) {
        let (given, tail) = state.withLock { state in
            let given = state.waiters.filter { id == nil || $0.id == id }
            state.waiters.removeAll { id == nil || $0.id == id }
            return (given, state.lines.suffix(15).joined(separator: "\n"))
        }
        for waiter in given {
            waiter.promise.fail(
                NotSeen(description: "the awaited line was not seen, \(reason); the last lines:\n\(tail)")
            )
        }
    }

    func append(_ line: String) {
        if areOurs { LibraryText.examine(line, saidBy: "a program") }
        let served = state.withLock { state in
            let index = state.lines.count
            state.lines.append(line)
            let served = state.waiters.filter { index >= $0.from && $0.isWanted(line) }
            state.waiters.removeAll { waiter in served.contains { $0.id == waiter.id } }
            return served.map { ($0.promise, index) }
        }
        for (promise, index) in served { promise.succeed((index, line)) }
    }

    func end() {
        state.withLock { $0.hasEnded = true }
        giveUp(nil, "the process ended before")
    }
}

/// Cuts what comes through a pipe into lines.
final class ProcessLineHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let lines: ProcessLines
    private var rest = ByteBuffer()

    init(_ lines: ProcessLines) { self.lines = lines }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        rest.writeBuffer(&bytes)
        while let end = rest.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
            let length = end - rest.readerIndex
            lines.append(rest.readString(length: length) ?? "")
            rest.moveReaderIndex(forwardBy: 1)
        }
        rest.discardReadBytes()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if rest.readableBytes > 0 { lines.append(String(buffer: rest)) }
        lines.end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
