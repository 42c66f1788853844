// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Synchronization

/// Follows the containers of an API until its task is cancelled: a listing at the start, at each event and some time
/// after it, with reconnects. Nothing that the API does ends it.
package struct DockerWatch: Sendable {
    package struct Timing: Hashable, Sendable {
        /// Between two listings at least: events come in bursts.
        package var pause = Duration.milliseconds(200)
        /// From an event to a second listing: Docker tells of a disconnected network before its listing shows it.
        package var settling = Duration.seconds(1)
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
            let (failure, hasWorked) = await follow()
            guard !Task.isCancelled else { return }
            if hasWorked {
                // A stream of events may end at any time, as behind a proxy. If that is more, the next attempt fails.
                retry.answered()
            } else {
                await keeper.failed(failure)
            }
            guard (try? await Task.sleep(for: retry.failed())) != nil else { return }
        }
    }

    /// Follows one stream of events to its end. It has worked when there was an answer, and a listing.
    private func follow() async -> (failure: DockerFailure, hasWorked: Bool) {
        // Of changes during a listing, one is as good as many.
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let (events, event) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let (api, keeper, timing) = (api, keeper, timing)
        return await withTaskGroup(of: DockerFailure.self) { group in
            let progress = Progress()
            group.addTask {
                do throws(DockerFailure) {
                    try await api.follow { occasion in
                        if occasion == .opened { progress.change(\.hasAnswered) }
                        change.yield()
                        event.yield()
                    }
                    return .cutShort
                } catch {
                    return error
                }
            }
            group.addTask {
                for await _ in events {
                    guard (try? await Task.sleep(for: timing.settling)) != nil else { break }
                    change.yield()
                }
                return .cutShort
            }
            group.addTask {
                while (try? await Task.sleep(for: timing.interval)) != nil {
                    // Podman's answer may begin with the first event only.
                    progress.change(\.hasAnswered)
                    change.yield()
                }
                return .cutShort
            }
            group.addTask {
                for await _ in changes {
                    do throws(DockerFailure) {
                        await keeper.keep(try await api.listing())
                    } catch {
                        return error
                    }
                    progress.change(\.hasListed)
                    if progress.hasWorked { await keeper.answered() }
                    guard (try? await Task.sleep(for: timing.pause)) != nil else { break }
                }
                return .cutShort
            }
            let failure = await group.next() ?? .cutShort
            group.cancelAll()
            return (failure, progress.hasWorked)
        }
    }
}

/// What has happened on one connection, guarded by a mutex.
private final class Progress: Sendable {
    struct State {
        /// The answer to the request for events has begun.
        var hasAnswered = false
        var hasListed = false
    }

    private let state = Lock(State())

    var hasWorked: Bool { state.withLock { $0.hasAnswered && $0.hasListed } }

    func change(_ fact: WritableKeyPath<State, Bool>) { state.withLock { $0[keyPath: fact] = true } }
}
