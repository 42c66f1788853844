internal import Linux
package import Logging

/// What outlives the process, in a directory of its own (contract §1): each file by itself, and none that the daemon
/// could not do without.
package struct StateDirectory: Sendable {
    let hostnames: HostnameStore
    let reconnects: ReconnectStore

    /// Reads what a process before this one has left at `path`, on a thread that may block.
    package init(_ path: String, logger: Logger) {
        MayBlock.now("reading the state")
        hostnames = HostnameStore(directory: path, logger: logger)
        reconnects = ReconnectStore(directory: path, logger: logger)
    }

    /// How long a disk may take to write one of the files at the end.
    private static let patience = Duration.seconds(2)

    /// Returns when all that was to be kept until now is in the files, or when the disk has had its time.
    func waitUntilKept() async {
        await hostnames.waitUntilKept(within: Self.patience)
        await reconnects.waitUntilKept(within: Self.patience)
    }
}
