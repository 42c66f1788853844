// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import Linux
package import NIOCore

extension BlockingThreads {
    /// Runs `body` on one of these threads, for a caller on an event loop, which must not block.
    package func run<Value: Sendable>(
        on eventLoop: any EventLoop,
        _ body: @escaping @Sendable () throws -> Value
    ) -> EventLoopFuture<Value> {
        let promise = eventLoop.makePromise(of: Value.self)
        submit { promise.completeWith(Result { try body() }) }
        return promise.futureResult
    }
}

extension MayBlock {
    /// Marks event loops as threads that must not block; a debug build traps if something blocks there.
    package static func never(on group: any EventLoopGroup) {
        #if DEBUG
        for eventLoop in group.makeIterator() { eventLoop.execute { notHere() } }
        #endif
    }
}
