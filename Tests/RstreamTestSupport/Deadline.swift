package import Testing

/// How long a test waits for an event before it counts as missing. Long, because it is only ever spent by a failure, and
/// because many tests share a small machine.
package let patience = Duration.seconds(45)

/// What a test gives to something that ends after a while, and must not end before the test has got on: longer than a
/// busy machine stands still. Where the end is to be seen, it is spent.
package let standstill = Duration.seconds(20)

extension TimeLimitTrait.Duration {
    /// After this a test hangs. It counts from a test's start, with all that other tests keep the threads busy with.
    package static var hang: Self { .minutes(10) }
}

/// Whether `limit` went by before the task was cancelled.
///
/// It goes by in steps, each of which begins when the one before has had its turn: while the machine stands still, or
/// nobody gets one of the threads that all tests share, no more than a step of it is spent.
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
    limit: Duration = patience,
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
