package import Logging
internal import ServiceLifecycle
internal import UnixSignals

/// Watches for the second request to stop, which ends everything at once, and for SIGHUP, which reloads (contract §2).
///
/// The first request is the service group's: it starts the drain.
package struct Signals: Service {
    private let logger: Logger
    private let reload: @Sendable () -> Void
    private let stopNow: @Sendable () -> Void

    /// Calls `reload` at every SIGHUP, and `stopNow` at the second SIGTERM or SIGINT.
    package init(
        logger: Logger,
        reload: @escaping @Sendable () -> Void,
        stopNow: @escaping @Sendable () -> Void
    ) {
        self.logger = logger
        self.reload = reload
        self.stopNow = stopNow
    }

    package func run() async {
        var requests = 0
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        for await signal in signals.cancelOnGracefulShutdown() {
            if signal == .sighup {
                reload()
                continue
            }
            requests += 1
            if requests == 2 {
                logger.notice("asked to stop again, cutting streams")
                stopNow()
            }
        }
    }
}
