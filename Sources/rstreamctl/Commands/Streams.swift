// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Linux
internal import RstreamAdmin
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

    @Flag(help: "Show streams that have ended, with their outcome, among the last 1,024 events.")
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

struct Kill: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Cut a stream.",
        discussion: "Its visitor and its upstream see a reset connection."
    )

    @Argument(
        help: ArgumentHelp("The stream's id, as `rstreamctl streams` shows it.", valueName: "stream"),
        completion: Names.streams
    )
    var stream: String

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        try await command.order(.cutStream(stream), "stream \(stream) cut")
    }
}

struct Top: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch tunnels and the busiest streams with their rates.",
        discussion: "Draws in place every second until q or Ctrl-C. Needs a terminal."
    )

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        guard command.console.isTerminal, !command.isJSON else {
            throw ValidationError(
                "top draws on a terminal; `rstreamctl streams --watch` can be piped and is JSON with -o json"
            )
        }
        let clock = ContinuousClock()
        let start = clock.now
        var model = TopModel()
        var shown = Duration.zero
        return try await command.live(every: .seconds(1)) {
            let status = try await command.calls.ask(.status, as: DaemonStatus.self).value
            let streams = try await command.calls.ask(.streams(tunnel: nil), as: [StreamStatus].self).value
            return (snapshot: TopModel.Snapshot(status: status, streams: streams), time: clock.now - start)
        } view: { answer, size in
            // A resize draws again without a new answer.
            if let answer, answer.time > shown {
                model.answered(answer.snapshot, at: answer.time)
                shown = answer.time
            }
            return TopView(model, rows: size.rows, columns: size.columns, now: .now).lines
        }
    }
}

extension CommandContext {
    /// Shows the daemon's answers on the terminal's alternate screen until the user quits.
    func live<Value: Sendable>(
        every interval: Duration,
        ask: @escaping @Sendable () async throws -> Value,
        view: (Value?, TerminalSize) -> [Line]
    ) async throws -> ExitStatus {
        let live = LiveView(every: interval, ask: ask)
        switch try await live.show(on: Screen(), paint: console.paint, view: view) {
        case .quit: break
        case .signal(let number): die(by: number)
        }
        return .done
    }
}
