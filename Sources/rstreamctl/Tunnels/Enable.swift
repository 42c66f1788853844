internal import ArgumentParser
internal import RstreamAdmin
internal import RstreamControl

struct Enable: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Open a disabled or drained tunnel again.",
        discussion: """
            Until the next reload, which makes the tunnel what the configuration says. Streams that were draining go on.
            """
    )

    @Argument(
        help: ArgumentHelp("The tunnel's name in the configuration.", valueName: "tunnel"),
        completion: Names.tunnels
    )
    var tunnel: String

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        try await command.change(tunnel, .enable)
    }
}
