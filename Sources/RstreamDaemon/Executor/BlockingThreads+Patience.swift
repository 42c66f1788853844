internal import Linux
internal import NIOCore
internal import NIOPosix

extension BlockingThreads {
    /// What `body` returns; nil when that takes longer than `limit`, as on a file system whose server is gone. It goes on
    /// then, and nobody waits for it.
    @discardableResult
    func run<Value: Sendable>(within limit: Duration, _ body: @escaping @Sendable () -> Value) async -> Value? {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        // The first of the two counts.
        let promise = eventLoop.makePromise(of: Value?.self)
        let timer = eventLoop.scheduleTask(in: TimeAmount(limit)) { promise.succeed(nil) }
        submit {
            promise.succeed(body())
            timer.cancel()
        }
        return try? await promise.futureResult.get()
    }
}
