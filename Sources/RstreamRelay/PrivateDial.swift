// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import Rstream
internal import RstreamModel

/// The engine half of a listener's stream: a private dial of a tunnel (PROTOCOL.md §8).
///
/// Confined to its event loop.
final class PrivateDial: EngineHalf {
    private let client: RstreamClient
    private let target: String
    private let timeout: Duration
    private let zeroRTT: ZeroRTTPolicy
    private let outage: OutageLog.Subject
    private let eventLoop: any EventLoop
    private var dialing: Task<Void, Never>?

    init(
        _ target: String,
        client: RstreamClient,
        within timeout: Duration,
        zeroRTT: ZeroRTTPolicy,
        outage: OutageLog.Subject,
        on eventLoop: any EventLoop
    ) {
        self.target = target
        self.client = client
        self.timeout = timeout
        self.zeroRTT = zeroRTT
        self.outage = outage
        self.eventLoop = eventLoop
    }

    /// The local half of a listener's stream is there before this one is opened, so the first frame is never withheld.
    func open(isReleased _: Bool) -> EventLoopFuture<any Channel> {
        let promise = eventLoop.makePromise(of: (any Channel).self)
        let zeroRTT = zeroRTT.zeroRTT
        let half = NIOLoopBound(self, eventLoop: eventLoop)
        // `StreamOpening` waits for the promise, and cancels the dial when the stream has ended.
        dialing = Task(executorPreference: EventLoopExecutor(eventLoop)) { [client, target, timeout, eventLoop] in
            let result: Result<RstreamDialedStream, RstreamError>
            do throws(RstreamError) {
                result = .success(try await client.dial(target, zeroRTT: zeroRTT, within: timeout, on: eventLoop))
            } catch {
                result = .failure(error)
            }
            eventLoop.execute {
                switch result {
                case .success(let stream):
                    half.value.dialed(isAnswered: zeroRTT == false)
                    promise.succeed(stream.channel)
                case .failure(let error): promise.fail(error)
                }
            }
        }
        return promise.futureResult
    }

    func release() {}

    func cancel(_: RstreamError) {
        dialing?.cancel()
    }

    private func dialed(isAnswered: Bool) {
        // A dial whose answer was not waited for proves nothing about the tunnel.
        if isAnswered { outage.reached() }
        zeroRTT.dialed()
    }
}

/// Lets a task run on an event loop, so that it needs no thread of Swift's own pool.
private final class EventLoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
