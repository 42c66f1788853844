// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
package import Logging

/// The daemon's state files (contract §1). The daemon runs without any of them, and a damaged one does not affect the
/// others.
package struct StateDirectory: Sendable {
    let hostnames: HostnameStore
    let reconnects: ReconnectStore
    let disabled: DisabledStore

    /// Reads the files at `path`. Has to be called on a thread that may block. Files that are another process's are not
    /// written before ``takeOver()``.
    package init(_ path: String, isForeign: Bool = false, logger: Logger) {
        MayBlock.now("reading the state")
        hostnames = HostnameStore(directory: path, isForeign: isForeign, logger: logger)
        reconnects = ReconnectStore(directory: path, isForeign: isForeign, logger: logger)
        disabled = DisabledStore(directory: path, isForeign: isForeign, logger: logger)
    }

    /// The files are this process's from now on.
    func takeOver() {
        hostnames.takeOver()
        reconnects.takeOver()
        disabled.takeOver()
    }

    /// The files are another process's from now on; what was to be written is written first.
    func giveUp() async {
        await waitUntilWritten()
        hostnames.giveUp()
        reconnects.giveUp()
        disabled.giveUp()
    }

    /// How long a stop, and an operator's call, waits for a file to be written.
    static let timeout = Duration.seconds(2)

    /// Waits until every change so far is in the files, at most for the timeout.
    func waitUntilWritten() async {
        await hostnames.waitUntilWritten(within: Self.timeout)
        await reconnects.waitUntilWritten(within: Self.timeout)
        await disabled.waitUntilWritten(within: Self.timeout)
    }
}
