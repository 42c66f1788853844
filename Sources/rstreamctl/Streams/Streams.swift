internal import ArgumentParser
internal import Linux
internal import RstreamAdmin
internal import RstreamControl
internal import RstreamModel

struct Streams: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the open streams, or those that have ended.",
        discussion: """
            With --watch again every second: in place on a terminal until q or Ctrl-C, elsewhere one list after another.
            """
    )

    private static let interval = Duration.seconds(1)

    @Option(help: ArgumentHelp("Only streams of this tunnel.", valueName: "name"), completion: Names.tunnels)
    var tunnel: String?

    @Flag(help: "Show them again every second.")
    var watch = false

    @Flag(help: "Show those that have ended, and what became of them, as far as the last 1,024 events tell.")
    var recent = false

    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if recent, watch { throw ValidationError("--recent and --watch do not go together; events --follow does that") }
    }

    func act(_ command: CommandContext) async throws -> ExitStatus {
        if recent {
            let ended = try await command.calls.ask(.recentStreams(tunnel: tunnel), as: [Event].self)
            try command.show(ended) { events in events.flatMap { EventView($0).lines } }
            return .done
        }
        guard watch else {
            try command.show(try await ask(command)) { StreamsView($0, now: .now).lines }
            return .done
        }
        guard command.console.isTerminal, !command.isJSON else {
            while true {
                try command.show(try await ask(command)) { StreamsView($0, now: .now).lines + [Line()] }
                try await Task.sleep(for: Self.interval)
            }
        }
        return try await command.live(every: Self.interval) { [self] in
            try await ask(command).value
        } view: { streams, _ in
            guard let streams else { return [Line("asking the daemon ...")] }
            return [Line([Piece("streams: \(streams.count)"), Piece("  q quits", .faint)]), Line()]
                + StreamsView(streams, now: .now).lines
        }
    }

    private func ask(_ command: CommandContext) async throws -> DaemonCalls.Answer<[StreamStatus]> {
        try await command.calls.ask(.streams(tunnel: tunnel), as: [StreamStatus].self)
    }
}
