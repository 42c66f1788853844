// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#if DEBUG
internal import Glibc
internal import NIOCore
internal import RstreamDaemon
internal import ServiceLifecycle
internal import UnixSignals

/// Makes the daemon stand still when a test asks for it, so that systemd's watchdog has something to find: SIGUSR1 stops
/// an event loop, SIGALRM the request loop, both for ever.
///
/// Debug builds only. The program that is shipped does not have it, and there these signals do what they do by default.
struct Stall: Service {
    let eventLoopGroup: any EventLoopGroup
    let daemon: Daemon

    func run() async {
        let signals = await UnixSignalsSequence(trapping: .sigusr1, .sigalrm)
        for await signal in signals.cancelOnGracefulShutdown() {
            if signal == .sigusr1 {
                eventLoopGroup.next().execute(Self.hang)
            } else {
                daemon.occupy(with: Self.hang)
            }
        }
    }

    @Sendable
    private static func hang() {
        while true { pause() }
    }
}
#endif
