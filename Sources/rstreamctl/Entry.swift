internal import ArgumentParser
internal import Dispatch
internal import Glibc
internal import Linux
internal import RstreamControl

/// Where the program begins: on the first thread, which answers whoever only asks about the program, whatever the machine
/// lacks.
@main
enum Entry {
    /// The machine's fault (`EX_OSERR`).
    private static let machine: CInt = 71

    static func main() {
        let command: any ParsableCommand
        do {
            command = try Rstreamctl.parseAsRoot()
        } catch {
            Rstreamctl.exit(withError: error)
        }
        if let lack = Footing.findLackOfProc() {
            Console(environment: ProcessEnvironment.variables).complain(Line("rstreamctl: \(lack)"))
            exit(machine)
        }
        Task {
            do {
                try await run(command)
                exit(EXIT_SUCCESS)
            } catch {
                Rstreamctl.exit(withError: error)
            }
        }
        dispatchMain()
    }

    private static func run(_ command: any ParsableCommand) async throws {
        if var command = command as? any AsyncParsableCommand {
            try await command.run()
        } else {
            var command = command
            try command.run()
        }
    }
}
