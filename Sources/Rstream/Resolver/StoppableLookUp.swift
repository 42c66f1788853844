package import NIOCore
package import RstreamModel
internal import Synchronization

/// Resolves the address of a listener until the listener is stopped: a stop does not wait for a name
/// server.
///
/// Guarded by a mutex; one task at a time resolves.
package final class StoppableLookUp: Sendable {
    private struct State {
        var isStopped = false
        var waiter: EventLoopPromise<[IPAddress]>?
    }

    private let names: NameService
    private let state = Mutex(State())

    package init(_ names: NameService = .host) { self.names = names }

    /// As ``NameService/addresses(of:within:on:)``; throws a `CancellationError` after ``stop()``.
    package func addresses(
        of host: String,
        within timeout: Duration,
        on eventLoop: any EventLoop
    ) async throws -> [IPAddress] {
        let waiter = eventLoop.makePromise(of: [IPAddress].self)
        let isStopped = state.withLock { state in
            if !state.isStopped { state.waiter = waiter }
            return state.isStopped
        }
        if isStopped {
            waiter.fail(CancellationError())
        } else {
            names.addresses(of: host, within: timeout, on: eventLoop).cascade(to: waiter)
        }
        defer { state.withLock { $0.waiter = nil } }
        return try await waiter.futureResult.get()
    }

    /// Ends the wait, and every later one at once.
    package func stop() {
        let waiter = state.withLock { state in
            state.isStopped = true
            return state.waiter.take()
        }
        waiter?.fail(CancellationError())
    }
}
