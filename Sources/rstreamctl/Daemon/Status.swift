internal import ArgumentParser
internal import Linux
internal import RstreamAdmin
internal import RstreamControl
internal import RstreamModel

struct Status: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the daemon, its sessions, tunnels and listeners.",
        discussion: "Ends with 3 unless every enabled tunnel is online and every listener listens."
    )

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        let answer = try await command.calls.ask(.status, as: DaemonStatus.self)
        try command.show(answer) { StatusView($0, now: .now, columns: command.console.columns).lines }
        return answer.value.isAsWanted ? .done : .notAsWanted
    }
}
