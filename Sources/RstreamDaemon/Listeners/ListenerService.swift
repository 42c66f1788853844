internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamCore
internal import RstreamModel
internal import RstreamRelay
internal import Synchronization

/// One listener from the moment it is wanted until it is not: an address that somebody else holds, or a socket that
/// cannot be made, is tried again until it can be had (contract §3.4), and a socket that was lost is made again.
///
/// Its state is the listener's own; the loop that binds ends with ``stop()``.
final class ListenerService: Sendable {
    let listener: DialListener
    private let policy: Mutex<ReconnectPolicy>
    private let group: any EventLoopGroup
    private let logger: Logger
    private let pausing = Mutex(Pausing.no)

    /// The one pause there may be.
    private enum Pausing {
        case no
        case until(Scheduled<Void>)
        case stopped
    }

    init(_ listener: DialListener, policy: ReconnectPolicy, group: any EventLoopGroup, logger: Logger) {
        self.listener = listener
        self.policy = Mutex(policy)
        self.group = group
        self.logger = logger
    }

    /// Listens until it is stopped.
    func run() async {
        while await listen() {
            await listener.waitUntilClosed()
            guard !isStopped else { return }
            // Taking a connection may report an error of the network, a filter's for one, and NIO closes the socket at some
            // of them. One that is lost at once each time must not keep a core busy.
            let wait = policy.withLock(\.minimum)
            logger.warning(
                "listening socket closed",
                metadata: [LogKey.address: "\(listener.address)", LogKey.retryIn: .stringConvertible(wait)]
            )
            guard await pause(for: wait) else { return }
        }
    }

    /// Other waits are wanted; one that runs goes on.
    func policyChanged(_ policy: ReconnectPolicy) {
        self.policy.withLock { $0 = policy }
    }

    /// Listens as soon as that is possible; false when it was stopped before.
    private func listen() async -> Bool {
        var policy = policy.withLock { $0 }
        var backoff = Backoff(minimum: policy.minimum, maximum: policy.maximum)
        var random = SystemRandomNumberGenerator()
        var isTold = false
        while true {
            let failure: RstreamError
            do throws(RstreamError) {
                try await listener.start(on: group)
                listener.ledger.failed(nil)
                return true
            } catch {
                // What a stop ended is no trouble.
                guard !isStopped else { return false }
                failure = error
            }
            let wanted = self.policy.withLock { $0 }
            if wanted != policy {
                policy = wanted
                backoff = Backoff(minimum: policy.minimum, maximum: policy.maximum)
            }
            let wait = backoff.next(using: &random)
            if !isTold {
                logger.warning("listen failed, retrying", metadata: .facts(of: failure, retryIn: wait))
            }
            isTold = true
            listener.ledger.failed(failure)
            guard await pause(for: wait) else { return false }
        }
    }

    private var isStopped: Bool {
        pausing.withLock { pausing in
            if case .stopped = pausing { true } else { false }
        }
    }

    /// Takes no more connections; those that are open go on.
    func stop() async {
        let before = pausing.withLock { pausing in
            defer { pausing = .stopped }
            return pausing
        }
        if case .until(let timer) = before { timer.cancel() }
        await listener.stop()
    }

    /// Whether the pause went by without a stop.
    private func pause(for duration: Duration) async -> Bool {
        let timer: Scheduled<Void>? = pausing.withLock { pausing in
            if case .stopped = pausing { return nil }
            let timer = group.any().scheduleTask(in: TimeAmount(duration)) {}
            pausing = .until(timer)
            return timer
        }
        // A timer that was cancelled fails.
        return (try? await timer?.futureResult.get()) != nil
    }
}
