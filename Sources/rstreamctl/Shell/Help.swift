internal import ArgumentParser
internal import RstreamControl

/// The parser's own command of that name shows the general help for a command that there is not, and calls that good.
struct Help: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show help about a command.",
        // The parser shows its own already.
        shouldDisplay: false
    )

    @Argument(help: ArgumentHelp("The command.", valueName: "command"), completion: Names.commands)
    var command: String?

    func run() throws {
        guard let command else { throw CleanExit.helpRequest(Rstreamctl.self) }
        guard let type = Rstreamctl.configuration.subcommands.first(where: { $0._commandName == command }) else {
            throw ValidationError(Words.unknown(command, among: Rstreamctl.commandNames))
        }
        throw CleanExit.helpRequest(type)
    }
}
