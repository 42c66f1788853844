// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
package import Linux
package import Logging
package import NIOCore

/// Carries out signals (contract §2): SIGHUP reloads, the first SIGTERM or SIGINT starts the drain, the second cuts all
/// streams at once.
///
/// The first statement of the program installed the handlers. Signals since then are carried out now, in order.
package struct Signals: Sendable {
    package struct Actions: Sendable {
        let reload: @Sendable () -> Void
        let stop: @Sendable () async -> Void
        let stopNow: @Sendable () -> Void

        /// `stop` is the action of the first SIGTERM or SIGINT, `stopNow` that of the second.
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

    /// Reads the signals that `inbox` has received.
    package init(_ inbox: SignalInbox, logger: Logger) {
        (self.inbox, self.logger) = (inbox, logger)
    }

    /// Runs until the task is cancelled.
    ///
    /// - Throws: An error if the signals cannot be read.
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

/// Decides what a signal requests.
struct SignalDecision: Hashable, Sendable {
    enum Request: Hashable, Sendable {
        case reload
        case stop
        case stopNow
    }

    private var stops = 0

    /// Nil for a signal that requests nothing, or nothing new.
    mutating func received(_ signal: CInt) -> Request? {
        switch signal {
        case SIGHUP: return stops == 0 ? .reload : nil
        case SIGTERM, SIGINT:
            stops += 1
            return stops == 1 ? .stop : stops == 2 ? .stopNow : nil
        default: return nil
        }
    }
}
