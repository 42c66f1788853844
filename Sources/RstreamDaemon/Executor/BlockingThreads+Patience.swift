internal import Linux
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle

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

    /// What `body` returns, however long that takes; nil when the daemon is to stop, which waits for none of it.
    func runUntilStop<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value? {
        let (results, send) = AsyncStream<Value>.makeStream()
        submit {
            send.yield(body())
            send.finish()
        }
        return await cancelWhenGracefulShutdown {
            for await result in results { return result }
            return nil
        }
    }
}
