internal import ArgumentParser
internal import RstreamAdmin
internal import RstreamControl

struct Kill: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Cut a stream.",
        discussion: "Its visitor and its upstream see a connection that was reset."
    )

    @Argument(
        help: ArgumentHelp("The stream's id, as `rstreamctl streams` shows it.", valueName: "stream"),
        completion: Names.streams
    )
    var stream: String

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        try await command.order(.cutStream(stream), "stream \(stream) cut")
    }
}
