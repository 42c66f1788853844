package import Linux
package import NIOCore

extension BlockingThreads {
    /// Runs `body` on a thread that may block and delivers its result on an event loop.
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
    /// Forbids blocking on these event loops; a debug build traps where something blocks.
    package static func never(on group: any EventLoopGroup) {
        #if DEBUG
        for eventLoop in group.makeIterator() { eventLoop.execute { notHere() } }
        #endif
    }
}
