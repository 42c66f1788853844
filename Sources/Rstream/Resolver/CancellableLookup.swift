// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
package import NIOCore
package import RstreamModel
internal import Synchronization

/// Resolves the address of a listener, and can be cancelled, so that a shutdown does not wait for a name server. The
/// admin API's listeners and the daemon's local listeners use it.
///
/// Guarded by a mutex; one task at a time may look up.
package final class CancellableLookup: Sendable {
    private struct State {
        var isCancelled = false
        var waiter: EventLoopPromise<[IPAddress]>?
    }

    private let names: NameService
    private let state = Lock(State())

    package init(_ names: NameService = .host) { self.names = names }

    /// As ``NameService/addresses(of:within:on:)``; throws `CancellationError` after ``cancel()``.
    package func addresses(
        of host: String,
        within timeout: Duration,
        on eventLoop: any EventLoop
    ) async throws -> [IPAddress] {
        let waiter = eventLoop.makePromise(of: [IPAddress].self)
        let isCancelled = state.withLock { state in
            if !state.isCancelled { state.waiter = waiter }
            return state.isCancelled
        }
        if isCancelled {
            waiter.fail(CancellationError())
        } else {
            names.addresses(of: host, within: timeout, on: eventLoop).cascade(to: waiter)
        }
        defer { state.withLock { $0.waiter = nil } }
        return try await waiter.futureResult.get()
    }

    /// Cancels the current and all later lookups.
    package func cancel() {
        let waiter = state.withLock { state in
            state.isCancelled = true
            return state.waiter.take()
        }
        waiter?.fail(CancellationError())
    }
}
