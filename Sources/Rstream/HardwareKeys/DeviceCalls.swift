// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import NIOCore
internal import Synchronization

/// Calls to the devices behind one module, which block, one after the other on a thread of their own: neither modules nor
/// OpenSSL's providers can be relied on to take more than one at a time.
///
/// The one who asks waits for a bounded time. A call whose turn has not come by then is not made; one that hangs in a device
/// keeps its thread, and those behind it fail in their time. The queue is bounded as well.
final class DeviceCalls: Sendable {
    private let threads = BlockingThreads(most: 1)
    private let most: Int
    private let queued = Lock(0)

    init(most: Int = 256) {
        self.most = most
    }

    /// Makes a call for who is on an event loop.
    func make<Value: Sendable>(
        within limit: Duration,
        on eventLoop: any EventLoop,
        _ call: @escaping @Sendable () throws(HardwareKeyError) -> Value
    ) -> EventLoopFuture<Value> {
        let promise = eventLoop.makePromise(of: Value.self)
        let turn = Turn<Value> { promise.completeWith($0.mapError { $0 as any Error }) }
        let timer = eventLoop.scheduleTask(in: TimeAmount(limit)) { turn.end(.failure(.timeout)) }
        promise.futureResult.whenComplete { _ in timer.cancel() }
        if !queue(turn, call) { turn.end(.failure(.busy)) }
        return promise.futureResult
    }

    /// Makes a call for who may block.
    func wait<Value: Sendable>(
        within limit: Duration,
        _ call: @escaping @Sendable () throws(HardwareKeyError) -> Value
    ) throws(HardwareKeyError) -> Value {
        let gate = Gate()
        let turn = Turn<Value> { _ in gate.open() }
        guard queue(turn, call) else { throw .busy }
        if !gate.wait(within: limit) { turn.end(.failure(.timeout)) }
        guard let outcome = turn.outcome else { throw .timeout }
        return try outcome.get()
    }

    /// Work without a caller that waits; it is never left out.
    func finish(_ work: @escaping @Sendable () -> Void) { threads.submit(work) }

    private func queue<Value: Sendable>(
        _ turn: Turn<Value>,
        _ call: @escaping @Sendable () throws(HardwareKeyError) -> Value
    ) -> Bool {
        let hasRoom = queued.withLock { queued in
            guard queued < most else { return false }
            queued += 1
            return true
        }
        guard hasRoom else { return false }
        threads.submit { [self] in
            defer { queued.withLock { $0 -= 1 } }
            guard turn.outcome == nil else { return }
            turn.end(Result { () throws(HardwareKeyError) in try call() })
        }
        return true
    }
}

/// One call. The first to end it decides: the thread that made it, or who has waited long enough.
///
/// Guarded by a mutex.
private final class Turn<Value: Sendable>: Sendable {
    private let state = Lock<Result<Value, HardwareKeyError>?>(nil)
    private let report: @Sendable (Result<Value, HardwareKeyError>) -> Void

    init(_ report: @escaping @Sendable (Result<Value, HardwareKeyError>) -> Void) {
        self.report = report
    }

    /// Nil until it has ended.
    var outcome: Result<Value, HardwareKeyError>? { state.withLock { $0 } }

    func end(_ outcome: Result<Value, HardwareKeyError>) {
        let isFirst = state.withLock { state in
            guard state == nil else { return false }
            state = outcome
            return true
        }
        if isFirst { report(outcome) }
    }
}
