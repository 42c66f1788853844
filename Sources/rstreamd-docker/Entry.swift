// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Dispatch
internal import Glibc
internal import Linux

/// The entry point. It parses the command line on the first thread, so that `--help` works on any machine.
@main
enum Entry {
    static func main() {
        let command = DockerCommand.parseOrExit()
        if let lack = ProcessRequirements.findMissingProc() {
            try? DescriptorIO.write("rstreamd-docker: error: \(lack)\n", to: STDERR_FILENO)
            exit(ProcessRequirements.exitStatus)
        }
        Task {
            do {
                try await command.run()
                exit(EXIT_SUCCESS)
            } catch {
                DockerCommand.exit(withError: error)
            }
        }
        dispatchMain()
    }
}
