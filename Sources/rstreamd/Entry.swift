internal import ArgumentParser
internal import Dispatch
internal import Glibc
internal import Linux
internal import NIOCore
internal import RstreamDaemon

/// Where the program begins: on the first thread, and before there is another one. Nothing asynchronous can run where no
/// thread can be had, not even to say so.
@main
enum Entry {
    /// Not among the statuses of the command line: the machine's fault (`EX_OSERR`).
    private static let machine: CInt = 71
    /// Below this no session and no client can be promised anything.
    private static let descriptors = 48
    /// Beside those that follow the number of processors: tasks, look-ups, the log, the watchdog, and the runtime's own.
    private static let threads = 10

    static func main() {
        // Who starts a daemon may ask something of it at once.
        _ = Rstreamd.signals
        // Whoever only asks about the program is answered here, whatever the machine lacks.
        let command = Rstreamd.parseOrExit()
        // Event loops have a thread for each processor.
        let footing = ProcessRequirements(threads: System.coreCount + threads, descriptors: descriptors)
        if let lack = footing.findMissing() {
            StandardError.write("rstreamd: error: \(lack)\n")
            exit(machine)
        }
        // The first process of a container inherits what others leave behind, and has no children of its own: the kernel
        // need not keep for it how they ended.
        if getpid() == 1 { signal(SIGCHLD, SIG_IGN) }
        Task {
            do {
                try await command.run()
                exit(EXIT_SUCCESS)
            } catch {
                Rstreamd.exit(withError: error)
            }
        }
        dispatchMain()
    }
}
