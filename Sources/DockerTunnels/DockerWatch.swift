// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Synchronization

/// Follows the containers of an API until its task is cancelled: a listing at the start and after each event, with
/// reconnects. Nothing that the API does ends it.
package struct DockerWatch: Sendable {
    package struct Timing: Hashable, Sendable {
        /// Between two listings at least: events come in bursts.
        package var pause = Duration.milliseconds(200)
        /// A listing without an event, for what no event told.
        package var interval = Duration.seconds(60)
        /// Between two attempts to connect.
        package var minimumRetry = Duration.seconds(1)
        package var maximumRetry = Duration.seconds(30)

        package init() {}
    }

    private let api: DockerAPI
    private let keeper: TunnelFileKeeper
    private let timing: Timing

    package init(_ api: DockerAPI, _ keeper: TunnelFileKeeper, timing: Timing = Timing()) {
        (self.api, self.keeper, self.timing) = (api, keeper, timing)
    }

    package func run() async {
        var retry = RetryDelay(minimum: timing.minimumRetry, maximum: timing.maximumRetry)
        while !Task.isCancelled {
            let outcome = await follow()
            guard !Task.isCancelled else { return }
            if outcome.hasAnswered { retry.answered() }
            await keeper.failed(outcome.failure)
            guard (try? await Task.sleep(for: retry.failed())) != nil else { return }
        }
    }

    /// Follows one stream of events to its end.
    private func follow() async -> (failure: DockerFailure, hasAnswered: Bool) {
        // Of reports that wait for a listing to end, one is as good as many.
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let (api, keeper, timing) = (api, keeper, timing)
        return await withTaskGroup(of: DockerFailure.self) { group in
            let answer = Answer()
            group.addTask {
                do throws(DockerFailure) {
                    try await api.follow { occasion in
                        if occasion == .opened { answer.isThere = true }
                        change.yield()
                    }
                    return .cutShort
                } catch {
                    return error
                }
            }
            group.addTask {
                while (try? await Task.sleep(for: timing.interval)) != nil {
                    // Podman's answer may begin with the first event only.
                    answer.isThere = true
                    change.yield()
                }
                return .cutShort
            }
            group.addTask {
                for await _ in changes {
                    do throws(DockerFailure) {
                        let listing = try await api.listing()
                        await keeper.keep(listing)
                    } catch {
                        return error
                    }
                    if answer.isThere { await keeper.answered() }
                    guard (try? await Task.sleep(for: timing.pause)) != nil else { break }
                }
                return .cutShort
            }
            let failure = await group.next() ?? .cutShort
            group.cancelAll()
            return (failure, answer.isThere)
        }
    }
}

/// Whether the answer to the request for events has begun, guarded by a mutex.
private final class Answer: Sendable {
    private let state = Lock(false)

    var isThere: Bool {
        get { state.withLock(\.self) }
        set { state.withLock { $0 = newValue } }
    }
}
