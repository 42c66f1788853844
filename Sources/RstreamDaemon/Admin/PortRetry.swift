// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamConfig
internal import RstreamCore
internal import RstreamModel
internal import Synchronization

/// Retries to listen at the address of a port that is not available, which keeps the daemon neither from starting nor
/// from running.
final class PortRetry: Sendable {
    let port: AdminPort
    let address: ListenAddress
    let lookUp = CancellableLookup()
    private let pause: CancellablePause
    private let logger: Logger
    private let isLogged: Lock<Bool>

    /// `isLogged` is whether an earlier retry has logged the outage of the same address.
    init(
        _ port: AdminPort,
        at address: ListenAddress,
        isLogged: Bool,
        on eventLoop: any EventLoop,
        logger: Logger
    ) {
        self.port = port
        self.address = address
        self.logger = logger
        self.isLogged = Lock(isLogged)
        pause = CancellablePause(on: eventLoop)
    }

    /// Returns once an `attempt` has succeeded, or after ``stop()``.
    func run(_ policy: ReconnectPolicy, _ attempt: () async throws(RstreamError) -> Void) async {
        var backoff = Backoff(minimum: policy.minimum, maximum: policy.maximum)
        var random = SystemRandomNumberGenerator()
        while true {
            do throws(RstreamError) {
                return try await attempt()
            } catch {
                let wait = backoff.next(using: &random)
                if !markLogged() { port.logRetry(error, in: wait, to: logger) }
                guard await pause.pause(for: wait) else { return }
            }
        }
    }

    /// Ends the retries without logging. Returns whether the outage was logged.
    @discardableResult
    func stop() -> Bool {
        pause.stop()
        lookUp.cancel()
        return markLogged()
    }

    /// Returns whether the outage was logged before.
    private func markLogged() -> Bool {
        isLogged.withLock { isLogged in
            defer { isLogged = true }
            return isLogged
        }
    }
}

/// The addresses of ports that may become available later, so that failing to bind one is no error.
struct DeferrablePorts: Hashable, Sendable {
    /// At the start, every address may.
    var isStart = false
    /// The addresses that listeners give up in the same reload.
    var freed: Set<ListenAddress> = []

    func contains(_ address: ListenAddress) -> Bool {
        isStart || freed.contains { $0.collides(with: address) }
    }
}

extension ListenAddress {
    /// Whether the kernel may refuse to bind both.
    func collides(with other: ListenAddress) -> Bool {
        switch (self, other) {
        case (.tcp(_, let port), .tcp(_, let wanted)): port == wanted && port != 0
        case (.unix, .unix): self == other
        case (.tcp, .unix), (.unix, .tcp): false
        }
    }
}
