// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import RstreamAdmin

struct Upgrade: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let the installed program take over from the running daemon.",
        discussion: """
            The daemon starts the program at its own path beside itself. It loads the configuration and connects to the \
            engines; then it takes the sockets over, and the tunnels one by one. Streams stay with the old process until \
            they end or upgrade.drain has passed. Waits for the outcome. Where anything is in the way, everything goes on \
            as before: what is wrong is shown, and the command ends with 1.
            """
    )

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        let answer = try await command.calls.upgrade()
        for diagnostic in answer.value.diagnostics {
            for line in diagnostic.text.split(separator: "\n") { command.console.complain(Line(String(line))) }
        }
        if command.isJSON {
            try command.console.write(document: answer.json)
        } else if answer.value.outcome != .refused {
            try command.console.write([Line(answer.value.message)])
        }
        guard answer.value.outcome == .refused else { return .done }
        let what = "the new program has not taken over, everything goes on as before: \(answer.value.message)"
        // Without text of the files, which not every user of the socket may read.
        guard answer.value.diagnostics.isEmpty else {
            throw Failure(.failed, what, "fix: rstreamctl check shows the lines")
        }
        throw Failure(.failed, what)
    }
}
