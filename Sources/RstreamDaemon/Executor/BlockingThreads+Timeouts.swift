// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import NIOCore
internal import NIOPosix

extension BlockingThreads {
    /// Returns the result of `body`; nil when it takes longer than `limit`, as on a file system whose server is gone.
    /// `body` goes on then, and its result is dropped.
    @discardableResult
    func run<Value: Sendable>(within limit: Duration, _ body: @escaping @Sendable () -> Value) async -> Value? {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        // The first of two completions wins.
        let promise = eventLoop.makePromise(of: Value?.self)
        let timer = eventLoop.scheduleTask(in: TimeAmount(limit)) { promise.succeed(nil) }
        submit {
            promise.succeed(body())
            timer.cancel()
        }
        return try? await promise.futureResult.get()
    }

    /// Returns the result of `body`, however long it takes; nil when the daemon is to stop, which does not wait for it.
    func run<Value: Sendable>(until stop: StopSignal, _ body: @escaping @Sendable () -> Value) async -> Value? {
        let (results, send) = AsyncStream<Value>.makeStream()
        let key = stop.observe { send.finish() }
        defer { stop.forget(key) }
        submit {
            send.yield(body())
            send.finish()
        }
        for await result in results { return result }
        return nil
    }
}
