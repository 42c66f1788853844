internal import ArgumentParser
internal import ContextClient
internal import Glibc
internal import Linux
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamControl

struct Check: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a configuration without a daemon.",
        discussion: """
            The same checks as rstreamd --check. Ends with 78 when there is an error, and with 77 when a file may not be \
            read. Warnings are shown, and are no error. Files have to belong to root, to who checks, or to the user \
            rstream, if there is one. Root looks at \(DaemonConfiguration.usualFile) as that user, whom the unit runs the \
            daemon as; which user another file is for is not known here.
            """
    )

    @Argument(help: ArgumentHelp("The daemon's own file.", valueName: "file"), completion: .file())
    var file = DaemonConfiguration.usualFile

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        let checked = Result { () throws(ConfigurationError) in
            try ConfigurationCheck.run(file, environment: ProcessEnvironment.variables)
        }
        switch checked {
        case .success(let passed):
            try report(passed.warnings, command)
            if !command.isJSON { try command.console.write([Line(passed.verdict(on: file))]) }
            return .done
        case .failure(let error):
            try report(error.diagnostics, command)
            if error.kind == .notPermitted, getuid() != 0 {
                command.console.complain(
                    Line("fix: sudo rstreamctl check: what root and the daemon alone may read is right as it is")
                )
            }
            return ExitStatus(rawValue: error.exitStatus) ?? .invalidConfiguration
        }
    }

    private func report(_ diagnostics: [Diagnostic], _ command: CommandContext) throws {
        for diagnostic in diagnostics {
            for line in diagnostic.description.split(separator: "\n") { command.console.complain(Line(String(line))) }
        }
        guard command.isJSON else { return }
        try command.console.write(document: try AdminJSON.encode(CheckReport(file: file, diagnostics: diagnostics)))
    }
}
