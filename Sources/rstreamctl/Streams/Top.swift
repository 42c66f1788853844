internal import ArgumentParser
internal import Linux
internal import RstreamAdmin
internal import RstreamControl
internal import RstreamModel

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
            // Drawn again at every resize too, which brings no new answer.
            if let answer, answer.time > shown {
                model.answered(answer.snapshot, at: answer.time)
                shown = answer.time
            }
            return TopView(model, rows: size.rows, columns: size.columns, now: .now).lines
        }
    }
}
