package import Linux
package import NIOCore

extension BlockingThreads {
    /// What `body` returns or throws, for whoever is on an event loop, which goes on meanwhile.
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
    /// From now on nothing blocks on these event loops; a debug build ends where something does.
    package static func never(on group: any EventLoopGroup) {
        #if DEBUG
        for eventLoop in group.makeIterator() { eventLoop.execute { notHere() } }
        #endif
    }
}
