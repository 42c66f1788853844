internal import ArgumentParser
internal import RstreamAdmin
internal import RstreamControl

struct Drain: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let a tunnel's streams end and take no new ones.",
        discussion: "Until the next reload, which makes the tunnel what the configuration says."
    )

    @Argument(help: ArgumentHelp("The tunnel's name in the configuration.", valueName: "tunnel"))
    var tunnel: String

    @OptionGroup var options: GlobalOptions

    func act(_ desk: Desk) async throws -> ExitStatus {
        try await desk.order(.changeTunnel(tunnel, .drain), "tunnel \(tunnel): draining, until the next reload")
    }
}
