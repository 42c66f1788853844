// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
package import NIOCore
internal import NIOPosix
internal import Synchronization

/// What a test expects to be gone from memory when it has ended, in order or not, seen through weak references.
///
/// Guarded by a mutex.
package final class Leaks: Sendable {
    // A weak reference may be read on any thread.
    private struct Entry: @unchecked Sendable {
        let name: String
        weak var object: AnyObject?
    }

    private let entries = Lock<[Entry]>([])

    package init() {}

    /// `object` is to be gone at the end.
    package func watch(_ object: AnyObject, _ name: String) {
        let entry = Entry(name: name, object: object)
        entries.withLock { $0.append(entry) }
    }

    /// How many are watched.
    package var count: Int { entries.withLock { $0.count } }

    /// What is still there.
    package var left: [String] { entries.withLock { $0.filter { $0.object != nil }.map(\.name) } }

    /// Lets the event loops do what they still have to do, until all is gone; throws what is left.
    package func expectNone(
        on group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        within limit: Duration = testTimeout
    ) async throws {
        let end = ContinuousClock.now + limit
        while !left.isEmpty {
            guard ContinuousClock.now < end else {
                throw DeadlinePassed(what: "the end of what is not needed", state: left.joined(separator: ", "))
            }
            for loop in group.makeIterator() { try await loop.submit {}.get() }
        }
    }
}
