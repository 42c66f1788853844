// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import RstreamAdmin

struct Metrics: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the daemon's metrics.",
        discussion: "In Prometheus's text format, whatever -o says."
    )

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        try command.console.write(document: try await command.calls.bytes(.metrics))
        return .done
    }
}
