package import Linux
package import Logging
package import NIOCore

/// Does what signals ask for (contract §2): SIGHUP reloads, the first SIGTERM or SIGINT starts the drain, the second
/// ends everything at once.
///
/// They were taken by the first statement of the program. What came since then is done now, in its order.
package struct Signals: Sendable {
    /// What is to be done about them.
    package struct Actions: Sendable {
        let reload: @Sendable () -> Void
        let stop: @Sendable () async -> Void
        let stopNow: @Sendable () -> Void

        /// `stop` is for the first request to stop, `stopNow` for the second.
        package init(
            reload: @escaping @Sendable () -> Void,
            stop: @escaping @Sendable () async -> Void,
            stopNow: @escaping @Sendable () -> Void
        ) {
            (self.reload, self.stop, self.stopNow) = (reload, stop, stopNow)
        }
    }

    private let inbox: SignalInbox
    private let logger: Logger

    /// Reads what `inbox` has taken.
    package init(_ inbox: SignalInbox, logger: Logger) {
        (self.inbox, self.logger) = (inbox, logger)
    }

    /// Watches until the task is cancelled. Throws when the signals cannot be read, and then nothing can be asked.
    package func run(on eventLoop: any EventLoop, _ actions: Actions) async throws {
        let (signals, send) = AsyncStream<UInt8>.makeStream()
        let channel = try await DescriptorReader.read(inbox.descriptor, on: eventLoop) { bytes in
            for byte in bytes { send.yield(byte) }
        }
        var decision = SignalDecision()
        for await signal in signals {
            switch decision.received(CInt(signal)) {
            case .reload: actions.reload()
            case .stop: await actions.stop()
            case .stopNow:
                logger.notice("second stop signal, cutting streams")
                actions.stopNow()
            case nil: break
            }
        }
        channel.close(promise: nil)
    }
}
