internal import ArgumentParser
internal import RstreamAdmin
internal import RstreamControl

struct Config: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the configuration that runs, secrets as ***."
    )

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        let json = try await command.calls.bytes(.config)
        if command.isJSON {
            try command.console.write(document: json)
        } else {
            try command.console.write(IndentedJSON(json).lines.map { Line($0) })
        }
        return .done
    }
}
