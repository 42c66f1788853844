internal import ArgumentParser
internal import Linux
internal import RstreamAdmin
internal import RstreamControl
internal import RstreamModel
internal import Terminal

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

    func act(_ desk: Desk) async throws -> ExitStatus {
        if recent {
            let ended = try await desk.calls.ask(.recentStreams(tunnel: tunnel), as: [Event].self)
            try desk.show(ended) { events in events.flatMap { EventView($0).lines } }
            return .done
        }
        guard watch else {
            try desk.show(try await ask(desk)) { StreamsView($0, now: .now).lines }
            return .done
        }
        guard desk.console.isTerminal, !desk.isJSON else {
            while true {
                try desk.show(try await ask(desk)) { StreamsView($0, now: .now).lines + [Line()] }
                try await Task.sleep(for: Self.interval)
            }
        }
        return try await desk.live(every: Self.interval) { [self] in
            try await ask(desk).value
        } view: { streams, _ in
            guard let streams else { return [Line("asking the daemon ...")] }
            return [Line([Piece("streams: \(streams.count)"), Piece("  q quits", .faint)]), Line()]
                + StreamsView(streams, now: .now).lines
        }
    }

    private func ask(_ desk: Desk) async throws -> DaemonCalls.Answer<[StreamStatus]> {
        try await desk.calls.ask(.streams(tunnel: tunnel), as: [StreamStatus].self)
    }
}
