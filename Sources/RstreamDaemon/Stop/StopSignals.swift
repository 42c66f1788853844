package import Logging
internal import ServiceLifecycle
internal import UnixSignals

/// Watches for the second request to stop, which ends everything at once (contract §2), and for SIGHUP, whose default
/// would end the process.
///
/// The first request is the service group's: it starts the drain.
package struct StopSignals: Service {
    private let logger: Logger
    private let stopNow: @Sendable () -> Void

    /// Calls `stopNow` at the second SIGTERM or SIGINT.
    package init(logger: Logger, stopNow: @escaping @Sendable () -> Void) {
        self.logger = logger
        self.stopNow = stopNow
    }

    package func run() async {
        var requests = 0
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        for await signal in signals.cancelOnGracefulShutdown() {
            if signal == .sighup {
                logger.warning("SIGHUP does nothing in this version; restart to read the configuration again")
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
