// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CLinux
internal import Glibc

/// The process that systemd takes for the daemon's, and whose child the daemon is (`stand_in` in Sources/CStart/start.c):
/// it passes signals on and ends as the daemon ends.
///
/// The daemon can let it end, and live on: for systemd the service has ended then, and the next process may be started.
/// Until that the kernel ends the daemon with it, so that a service that systemd has killed is gone.
package final class StandIn: Sendable {
    package let process: Int32
    /// Its end lets the process go.
    private let hold: RecordSocket

    private static let variable = "RSTREAMD_STAND_IN"

    /// Nil where no process stands for this one. Has to be called once.
    package static func find() -> StandIn? {
        guard let text = unsafe getenv(variable), let process = unsafe Int32(String(cString: text)), process > 1,
            let (hold, held) = try? RecordSocket.makePair()
        else {
            return nil
        }
        // The kernel's promise is one to a thread, and ends with it.
        BlockingThreads(most: 1).submit {
            _ = rstream_set_parent_death_signal(SIGKILL)
            // It has ended before.
            if getppid() != process { kill(getpid(), SIGKILL) }
            _ = try? held.receive()
            _ = rstream_set_parent_death_signal(0)
            kill(process, SIGUSR1)
        }
        return StandIn(process, hold)
    }

    private init(_ process: Int32, _ hold: RecordSocket) { (self.process, self.hold) = (process, hold) }

    /// Lets the process end, with status 0.
    package func leave() { hold.end() }
}
