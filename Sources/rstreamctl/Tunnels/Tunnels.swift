internal import ArgumentParser
internal import Linux
internal import RstreamAdmin
internal import RstreamControl
internal import RstreamModel

struct Tunnels: ControlCommand {
    static let configuration = CommandConfiguration(abstract: "Show all tunnels, or everything about one.")

    @Argument(
        help: ArgumentHelp("The tunnel's name in the configuration.", valueName: "name"),
        completion: Names.tunnels
    )
    var name: String?

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        if let name {
            let answer = try await command.calls.ask(.tunnel(name), as: TunnelStatus.self)
            try command.show(answer) { TunnelView($0, now: .now).lines }
        } else {
            let answer = try await command.calls.ask(.tunnels, as: [TunnelStatus].self)
            try command.show(answer) { TunnelsView($0, now: .now, columns: command.console.columns).lines }
        }
        return .done
    }
}
