internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamConfig
internal import RstreamCore
internal import RstreamModel
internal import RstreamRelay

/// One listener from the moment it is wanted until it is not: an address that somebody else holds, or a socket that
/// cannot be made, is tried again until it can be had (contract §3.4), and a socket that was lost is made again.
///
/// Its state is the listener's own; the loop that binds ends with ``stop()``.
final class ListenerService: Sendable {
    let listener: DialListener
    private let policy: ReconnectPolicy
    private let group: any EventLoopGroup
    private let logger: Logger
    private let eventLoop: any EventLoop
    private let stopped: EventLoopPromise<Void>

    init(_ listener: DialListener, policy: ReconnectPolicy, group: any EventLoopGroup, logger: Logger) {
        self.listener = listener
        self.policy = policy
        self.group = group
        self.logger = logger
        eventLoop = group.any()
        stopped = eventLoop.makePromise()
    }

    /// Listens until it is stopped.
    func run() async {
        repeat {
            guard await listen() else { return }
            await listener.waitUntilClosed()
            // A socket that is lost at once each time must not keep a core busy.
        } while await pause(for: policy.minimum)
    }

    /// Listens as soon as that is possible; false when it was stopped before.
    private func listen() async -> Bool {
        var backoff = Backoff(minimum: policy.minimum, maximum: policy.maximum)
        var random = SystemRandomNumberGenerator()
        while true {
            do throws(RstreamError) {
                try await listener.start(on: group)
                listener.ledger.failed(nil)
                return true
            } catch {
                if backoff.attempt == 0 {
                    logger.warning("not listening, trying again", metadata: .facts(of: error))
                }
                listener.ledger.failed(error)
            }
            guard await pause(for: backoff.next(using: &random)) else { return false }
        }
    }

    /// Takes no more connections; those that are open go on.
    func stop() async {
        stopped.succeed()
        await listener.stop()
    }

    /// Whether the pause went by without a stop.
    private func pause(for duration: Duration) async -> Bool {
        let wentBy = eventLoop.makePromise(of: Bool.self)
        let timer = eventLoop.scheduleTask(in: TimeAmount(duration)) { wentBy.succeed(true) }
        stopped.futureResult.whenComplete { _ in
            timer.cancel()
            wentBy.succeed(false)
        }
        return (try? await wentBy.futureResult.get()) ?? false
    }
}

extension DialListener.Address {
    /// The address of a configured listener.
    init(_ address: ListenAddress) {
        switch address {
        case .tcp(let host, let port): self = .tcp(host: host, port: port)
        case .unix(let path): self = .unix(path: path)
        }
    }
}
