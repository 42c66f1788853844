internal import ArgumentParser
internal import Dispatch
internal import Glibc
internal import Linux

/// Where the program begins: on the first thread, which answers whoever only asks about the program, whatever the machine
/// lacks.
@main
enum Entry {
    static func main() {
        let command = DevEngineCommand.parseOrExit()
        if let lack = ProcessRequirements.findMissingProc() {
            try? DescriptorIO.write("rstream-dev-engine: error: \(lack)\n", to: STDERR_FILENO)
            exit(ProcessRequirements.exitStatus)
        }
        Task {
            do {
                try await command.run()
                exit(EXIT_SUCCESS)
            } catch {
                DevEngineCommand.exit(withError: error)
            }
        }
        dispatchMain()
    }
}
