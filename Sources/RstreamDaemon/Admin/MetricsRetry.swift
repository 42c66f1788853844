internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamConfig
internal import RstreamCore
internal import RstreamModel
internal import Synchronization

/// Tries to serve metrics at an address that cannot be had yet, until it can or nobody wants it there any more: no reason
/// for a daemon to end, or not to start.
final class MetricsRetry: Sendable {
    let address: ListenAddress
    let lookUp = CancellableLookup()
    private let pause: CancellablePause
    private let logger: Logger
    /// Whether it has been said that metrics are not served.
    private let isTold: Mutex<Bool>

    /// What the one before has said about the same address, `isTold`, is not said again.
    init(_ address: ListenAddress, isTold: Bool, on eventLoop: any EventLoop, logger: Logger) {
        self.address = address
        self.logger = logger
        self.isTold = Mutex(isTold)
        pause = CancellablePause(on: eventLoop)
    }

    /// Returns when `attempt` has succeeded, or after ``stop()``.
    func run(_ policy: ReconnectPolicy, _ attempt: () async throws(RstreamError) -> Void) async {
        var backoff = Backoff(minimum: policy.minimum, maximum: policy.maximum)
        var random = SystemRandomNumberGenerator()
        while true {
            do throws(RstreamError) {
                return try await attempt()
            } catch {
                let wait = backoff.next(using: &random)
                if !tell() {
                    logger.warning("metrics are not served, trying again", metadata: .facts(of: error, retryIn: wait))
                }
                guard await pause.pause(for: wait) else { return }
            }
        }
    }

    /// Nothing is said any more. Returns whether it had been before.
    @discardableResult
    func stop() -> Bool {
        pause.stop()
        lookUp.cancel()
        return tell()
    }

    /// Whether it had been said before now.
    private func tell() -> Bool {
        isTold.withLock { isTold in
            defer { isTold = true }
            return isTold
        }
    }
}

/// When an address for metrics may be had later instead of now.
struct MetricsTimeouts: Hashable, Sendable {
    /// At a start, whoever has it.
    var isStart = false
    /// What listeners of ours give up in the same reload.
    var freed: Set<ListenAddress> = []

    func covers(_ address: ListenAddress) -> Bool {
        isStart || freed.contains { $0.collides(with: address) }
    }
}

extension ListenAddress {
    /// Whether the kernel may not give both.
    func collides(with other: ListenAddress) -> Bool {
        switch (self, other) {
        case (.tcp(_, let port), .tcp(_, let wanted)): port == wanted && port != 0
        case (.unix, .unix): self == other
        case (.tcp, .unix), (.unix, .tcp): false
        }
    }
}
