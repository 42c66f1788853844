package import Logging
internal import ServiceLifecycle
package import UnixSignals

/// Watches for the second request to stop, which ends everything at once, and for SIGHUP, which reloads (contract §2).
///
/// The first request is the service group's: it starts the drain.
package struct Signals: Service {
    private let logger: Logger
    private let hangups: UnixSignalsSequence
    private let reload: @Sendable () -> Void
    private let stopNow: @Sendable () -> Void

    /// Calls `reload` at every SIGHUP, and `stopNow` at the second SIGTERM or SIGINT.
    ///
    /// `hangups` traps SIGHUP already, which ends a process that is not prepared: whoever was told that the daemon is ready
    /// may send one at once.
    package init(
        logger: Logger,
        hangups: UnixSignalsSequence,
        reload: @escaping @Sendable () -> Void,
        stopNow: @escaping @Sendable () -> Void
    ) {
        self.logger = logger
        self.hangups = hangups
        self.reload = reload
        self.stopNow = stopNow
    }

    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in hangups.cancelOnGracefulShutdown() { reload() } }
            group.addTask { await watchStops() }
        }
    }

    private func watchStops() async {
        var requests = 0
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        for await _ in signals.cancelOnGracefulShutdown() {
            requests += 1
            if requests == 2 {
                logger.notice("asked to stop again, cutting streams")
                stopNow()
            }
        }
    }
}
