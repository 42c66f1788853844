internal import ArgumentParser
internal import RstreamAdmin
internal import RstreamControl

struct Disable: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Close a tunnel.",
        discussion: """
            Until the next reload, which makes the tunnel what the configuration says. What becomes of its streams is told: \
            they go by its reload.changed.
            """
    )

    @Argument(
        help: ArgumentHelp("The tunnel's name in the configuration.", valueName: "tunnel"),
        completion: Names.tunnels
    )
    var tunnel: String

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        try await command.change(tunnel, .disable)
    }
}
