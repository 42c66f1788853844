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

    func act(_ desk: Desk) async throws -> ExitStatus {
        let answer = try await desk.calls.ask(.status, as: DaemonStatus.self)
        try desk.show(answer) { StatusView($0, now: .now, columns: desk.console.columns).lines }
        return answer.value.isAsWanted ? .done : .notAsWanted
    }
}
