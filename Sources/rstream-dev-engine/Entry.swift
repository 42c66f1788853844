internal import ArgumentParser
internal import Dispatch
internal import Glibc
internal import Linux

/// The entry point. It parses the command line on the first thread, so that `--help` works on any machine.
@main
enum Entry {
    static func main() {
        let command = DevEngineCommand.parseOrExit()
        if let lack = ProcessRequirements.findMissingProc() {
            _ = Array("rstream-dev-engine: error: \(lack)\n".utf8).withUnsafeBytes {
                write(STDERR_FILENO, $0.baseAddress, $0.count)
            }
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
