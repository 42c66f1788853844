// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import RstreamAdmin

struct Events: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what happened to sessions, tunnels, streams and reloads.",
        discussion: "The daemon holds the last 1,024 events. With -o json, each is an object on a line of its own."
    )

    @Flag(help: "Continue with events as they happen, until interrupted.")
    var follow = false

    @Option(help: ArgumentHelp("Only events of this tunnel.", valueName: "name"), completion: Names.tunnels)
    var tunnel: String?

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        var isKnown = false
        let isEnded = try await command.calls.events(after: 0) {
            // A tunnel that was removed may have left events. A name without tunnel and events is a mistake.
            if let tunnel, !isKnown { try await command.calls.bytes(.tunnel(tunnel)) }
            return follow
        } _: { event, json in
            if event.tunnel == tunnel { isKnown = true }
            // Missed events may have been about any tunnel.
            guard tunnel == nil || event.tunnel == tunnel || event.missed != nil else { return true }
            if command.isJSON {
                try command.console.write(document: Array(json.utf8))
            } else {
                try command.console.write(EventView(event).lines)
            }
            return true
        }
        guard isEnded else {
            throw Failure(.notReachable, "the daemon at \(command.calls.socket) has ended the events")
        }
        return .done
    }
}
