internal import ArgumentParser
internal import Linux
internal import RstreamAdmin
internal import RstreamControl
internal import RstreamModel
internal import Terminal

struct Streams: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the open streams.",
        discussion: """
            With --watch again every second: in place on a terminal until q or Ctrl-C, elsewhere one list after another.
            """
    )

    private static let interval = Duration.seconds(1)

    @Option(help: ArgumentHelp("Only streams of this tunnel.", valueName: "name"))
    var tunnel: String?

    @Flag(help: "Show them again every second.")
    var watch = false

    @OptionGroup var options: GlobalOptions

    func act(_ desk: Desk) async throws -> ExitStatus {
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
