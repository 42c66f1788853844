// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import Rstream
import RstreamModel
import RstreamTestSupport

/// A name server that does not answer until it is told to, and then answers that every name is at 127.0.0.1.
final class SilentResolver: NameResolver {
    private let waiting = Observed<[EventLoopPromise<NameAnswer>]>([])

    init() {}

    /// How many questions wait.
    var count: Int { waiting.value.count }

    func waitForQuestions(_ count: Int) async throws {
        try await waiting.wait(for: "\(count) questions") { $0.count >= count }
    }

    func lookUp(_ question: NameQuestion, on eventLoop: any EventLoop) -> EventLoopFuture<NameAnswer> {
        let promise = eventLoop.makePromise(of: NameAnswer.self)
        waiting.change { $0.append(promise) }
        return promise.futureResult.map { answer in
            NameAnswer(addresses: question.family == .ipv4 ? [.v4(0x7F00_0001)] : [])
        }
    }

    /// Answers whoever waits now.
    func answer() {
        var promises: [EventLoopPromise<NameAnswer>] = []
        waiting.change { swap(&$0, &promises) }
        for promise in promises { promise.succeed(NameAnswer(addresses: [])) }
    }
}
