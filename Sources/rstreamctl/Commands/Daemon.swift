// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Linux
internal import RstreamAdmin
internal import RstreamModel

struct Status: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the daemon, its sessions, tunnels and listeners.",
        discussion: """
            Exits with 3 unless each enabled tunnel is online or on standby, and each listener reaches its tunnel.
            """
    )

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        let answer = try await command.calls.ask(.status, as: DaemonStatus.self)
        try command.show(answer) { StatusView($0, now: .now, columns: command.console.columns).lines }
        return answer.value.isAsWanted ? .done : .notAsWanted
    }
}

struct Wait: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Wait until everything is as wanted.",
        discussion: """
            As wanted: every enabled tunnel is online and every listener listens; with --tunnel: that tunnel is online. \
            Ends with 3 when it is not within the timeout, and with 69 when there was no daemon until then.
            """
    )

    @Option(help: ArgumentHelp("Wait for this tunnel only.", valueName: "name"), completion: Names.tunnels)
    var tunnel: String?

    @Option(help: ArgumentHelp("How long to wait: a number and ms, s, m or h.", valueName: "duration"))
    var timeout = DurationText.seconds(30)

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        let json = try await Waiting(command.calls, tunnel: tunnel).run(timeout: timeout.duration)
        if command.isJSON {
            try command.console.write(document: json)
        } else {
            try command.console.write([Line(tunnel.map { "tunnel \($0) is online" } ?? "everything is as wanted")])
        }
        return .done
    }
}

extension DurationText: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }

    var defaultValueDescription: String { "\(duration.components.seconds)s" }
}
