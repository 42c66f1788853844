// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import Testing

/// How long a test waits for an event before it fails. Long, because only failures use it up, and because many tests
/// share a small machine.
package let testTimeout = Duration.seconds(45)

/// A timeout of the code under test that must not expire before the test has continued: longer than a busy machine may
/// stall. A test that waits for the timeout takes this long.
package let longestStall = Duration.seconds(20)

extension TimeLimitTrait.Duration {
    /// After this a test counts as hanging. It includes the time in which other tests keep the threads busy.
    package static var hang: Self { .minutes(10) }
}

/// Whether `limit` went by before the task was cancelled.
///
/// It passes in steps, each of which starts when the one before has run: while the machine stalls, or all threads that the
/// tests share are busy, only one step passes.
package func passes(_ limit: Duration) async -> Bool {
    var left = limit
    while left > .zero {
        let step = min(left, .seconds(1))
        guard (try? await Task.sleep(for: step)) != nil else { return false }
        left -= step
    }
    return true
}

/// An event that a test waited for did not come.
package struct DeadlinePassed: Error, CustomStringConvertible {
    package let what: String
    /// How things stood then.
    package let state: String

    package init(what: String, state: String) {
        self.what = what
        self.state = state
    }

    package var description: String { "waited in vain for \(what); at the end: \(state.prefix(2_000))" }
}

/// Runs `body`, and throws ``DeadlinePassed`` when it takes longer than `limit`.
package func within<Value: Sendable>(
    _ what: String,
    limit: Duration = testTimeout,
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let outcome = Observed<Result<Value, any Error>?>(nil)
    // Waited for below. A body that outlives the deadline has failed its test and is left behind: it may hang where
    // cancellation does not reach.
    let task = Task {
        do {
            let value = try await body()
            outcome.change { $0 = .success(value) }
        } catch {
            outcome.change { $0 = .failure(error) }
        }
    }
    do {
        try await outcome.wait(for: what, within: limit) { $0 != nil }
    } catch {
        task.cancel()
        throw error
    }
    guard let result = outcome.value else { throw DeadlinePassed(what: what, state: "no result") }
    return try result.get()
}
