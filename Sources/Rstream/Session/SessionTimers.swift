// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore

/// Calls that a session makes after a while.
struct SessionTimers: Sendable {
    /// Calls the function after the duration, unless what is returned was called before.
    let schedule: @Sendable (Duration, @escaping @Sendable () -> Void) -> @Sendable () -> Void

    /// The timers of event loops.
    static func of(_ group: any EventLoopGroup) -> SessionTimers {
        SessionTimers { duration, body in
            let timer = group.any().scheduleTask(in: TimeAmount(duration), body)
            return { timer.cancel() }
        }
    }
}
