// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import Rstream
import RstreamTestSupport

/// A name server that does not answer before the end.
final class SilentResolver: NameResolver {
    let asked = Observed<[EventLoopPromise<NameAnswer>]>([])

    func lookUp(_ question: NameQuestion, on eventLoop: any EventLoop) -> EventLoopFuture<NameAnswer> {
        let promise = eventLoop.makePromise(of: NameAnswer.self)
        asked.change { $0.append(promise) }
        return promise.futureResult
    }

    /// Both families of a name were asked for.
    func waitForQuestion() async throws {
        try await asked.wait(for: "both questions about a name") { $0.count == 2 }
    }

    /// No question may be left open.
    func end() {
        for promise in asked.value { promise.succeed(NameAnswer(addresses: [])) }
    }
}
