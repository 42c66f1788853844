internal import ArgumentParser
internal import RstreamAdmin
internal import RstreamControl

struct Drain: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take no new streams, and cut those that have not ended within drain.timeout.",
        discussion: """
            Until the next reload, which makes the tunnel what the configuration says. How many streams there are and when \
            they are cut is told, here and by status; enable ends that.
            """
    )

    @Argument(
        help: ArgumentHelp("The tunnel's name in the configuration.", valueName: "tunnel"),
        completion: Names.tunnels
    )
    var tunnel: String

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        try await command.change(tunnel, .drain)
    }
}
