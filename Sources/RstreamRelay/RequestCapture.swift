// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Synchronization

/// One client that gets the requests of a tunnel with their bodies, as they end (`POST /v1/tunnels/{name}/capture`).
///
/// What a client does not take in time is dropped and counted, so that a slow one costs a bounded part of the memory for
/// requests. Guarded by a mutex; one task reads.
package final class RequestCapture: Sendable {
    /// A request, and how many before it were dropped.
    package struct Item: Sendable {
        package let request: LoggedRequest
        package let missed: Int
    }

    private struct State {
        /// What the requests that wait for the client take of the memory for requests.
        var waiting = 0
        /// How many were dropped since the last one that was not.
        var missed = 0
    }

    /// What the requests that wait for one client take at most.
    package static let mostMemory = 512 * 1_024

    private let state = Lock(State())
    private let memory: RequestMemory
    private let items: AsyncStream<Item>
    private let arriving: AsyncStream<Item>.Continuation

    init(memory: RequestMemory) {
        self.memory = memory
        (items, arriving) = AsyncStream.makeStream()
    }

    deinit {
        memory.change(by: -state.withLock(\.waiting))
    }

    /// Calls `body` with each request, until the capture ends or the task is cancelled.
    package func read(_ body: (Item) async throws -> Void) async throws {
        for await item in items {
            defer { change(by: -item.request.request.size) }
            try await body(item)
        }
    }

    /// A request has ended.
    func add(_ logged: LoggedRequest) {
        let size = logged.request.size
        let missed = state.withLock { state -> Int? in
            guard size <= min(Self.mostMemory - state.waiting, memory.roomForBodies) else {
                state.missed += 1
                return nil
            }
            defer { state.missed = 0 }
            return state.missed
        }
        guard let missed else { return }
        change(by: size)
        arriving.yield(Item(request: logged, missed: missed))
    }

    private func change(by size: Int) {
        state.withLock { $0.waiting += size }
        memory.change(by: size)
    }

    /// The client gets what has ended before, and nothing more.
    func end() { arriving.finish() }
}
