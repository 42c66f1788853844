// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import RstreamAdmin

struct LogLevel: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "log-level",
        abstract: "Show or change how much the daemon logs.",
        discussion: "A change lasts until the daemon restarts."
    )

    @Argument(help: ArgumentHelp("The least important level to log.", valueName: "level"))
    var level: LogLevelDocument.Level?

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        let body = try level.map { try AdminJSON.encode(LogLevelDocument(level: $0.rawValue)) }
        let route: Route = body == nil ? .logLevel : .setLogLevel
        let answer = try await command.calls.ask(route, body: body, as: LogLevelDocument.self)
        try command.show(answer) { [Line($0.level)] }
        return .done
    }
}

extension LogLevelDocument.Level: ExpressibleByArgument {}
