// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
package import Linux
package import Logging
package import NIOCore

/// Carries out signals (contract §2): SIGHUP reloads, SIGUSR2 starts the program that takes over, the first SIGTERM or
/// SIGINT starts the drain, the second cuts all streams at once. Where systemd restarts the service, SIGTERM starts no
/// drain: the next process takes over.
///
/// The first statement of the program installed the handlers. Signals since then are carried out now, in order.
package struct Signals: Sendable {
    package struct Actions: Sendable {
        let reload: @Sendable () -> Void
        let upgrade: @Sendable () -> Void
        let leave: @Sendable () async -> Bool
        let stop: @Sendable () -> Void
        let stopNow: @Sendable () -> Void

        /// `stop` is the action of the first SIGTERM or SIGINT, `stopNow` that of the second. `leave` says whether the
        /// first is no stop, because another process takes over.
        package init(
            reload: @escaping @Sendable () -> Void,
            upgrade: @escaping @Sendable () -> Void,
            leave: @escaping @Sendable () async -> Bool = { false },
            stop: @escaping @Sendable () -> Void,
            stopNow: @escaping @Sendable () -> Void
        ) {
            (self.reload, self.upgrade, self.leave) = (reload, upgrade, leave)
            (self.stop, self.stopNow) = (stop, stopNow)
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
            let arrival = SignalInbox.Arrival(byte: signal)
            switch decision.received(arrival.number, isPassedOn: arrival.isPassedOn) {
            case .reload: actions.reload()
            case .upgrade: actions.upgrade()
            case .stop:
                if await actions.leave() { decision = SignalDecision() } else { actions.stop() }
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
        case upgrade
        case stop
        case stopNow
    }

    /// Signals to stop that came from outside, and from the process that stands for this one: `systemctl kill` sends one
    /// to each, and means one.
    private var direct = 0
    private var passedOn = 0
    private var stops: Int { max(direct, passedOn) }

    /// Nil for a signal that requests nothing, or nothing new.
    mutating func received(_ signal: CInt, isPassedOn: Bool = false) -> Request? {
        switch signal {
        case SIGHUP: return stops == 0 ? .reload : nil
        case SIGUSR2: return stops == 0 ? .upgrade : nil
        case SIGTERM, SIGINT:
            let before = stops
            if isPassedOn { passedOn += 1 } else { direct += 1 }
            guard stops > before else { return nil }
            return stops == 1 ? .stop : stops == 2 ? .stopNow : nil
        default: return nil
        }
    }
}
