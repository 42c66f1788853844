// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Dispatch
internal import Glibc
internal import Linux
internal import NIOCore
internal import RstreamDaemon

/// Where the program begins: on the first thread, before there is another one. Where no thread can be started, nothing
/// asynchronous runs, not even to say so.
@main
enum Entry {
    /// Descriptors that one session and one client need at least.
    private static let descriptors = 48
    /// Threads beside those of event loops: tasks, look-ups, the log, the watchdog, and the runtime's own.
    private static let threads = 10

    static func main() {
        // A signal may come as soon as the process exists.
        _ = Rstreamd.signals
        _ = Rstreamd.program
        // Questions about the program itself are answered here, whatever the machine lacks.
        let words = Array(CommandLine.arguments.dropFirst())
        switch words.first {
        case DoctorCommand.word:
            run(DoctorCommand.parseOrExit(Array(words.dropFirst())), missing: ProcessRequirements.findMissingProc())
        case ImportCommand.word:
            run(ImportCommand.parseOrExit(Array(words.dropFirst())), missing: ProcessRequirements.findMissingProc())
        case PublishCommand.word:
            let needed = ProcessRequirements(threads: System.coreCount + threads, descriptors: descriptors)
            run(PublishCommand.parseOrExit(Array(words.dropFirst())), missing: needed.findMissing())
        default:
            let command = Rstreamd.parseOrExit(words)
            do {
                if let schema = try command.askedSchema() {
                    try StandardOutput.write(Array(schema.utf8))
                    exit(EXIT_SUCCESS)
                }
            } catch {
                Rstreamd.exit(withError: error)
            }
            // Event loops have a thread for each processor.
            let needed = ProcessRequirements(threads: System.coreCount + threads, descriptors: descriptors)
            run(command, missing: needed.findMissing())
        }
    }

    private static func run<Command: AsyncParsableCommand>(
        _ command: sending Command,
        missing: ProcessRequirements.Missing?
    ) -> Never {
        if let missing {
            StandardError.write("rstreamd: error: \(missing)\n")
            exit(ProcessRequirements.exitStatus)
        }
        // The first process of a container inherits what others leave behind: with this the kernel keeps no dead ones.
        if getpid() == 1 { signal(SIGCHLD, SIG_IGN) }
        Task {
            do {
                var command = command
                try await command.run()
                exit(EXIT_SUCCESS)
            } catch {
                Command.exit(withError: error)
            }
        }
        dispatchMain()
    }
}
