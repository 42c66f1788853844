// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Linux
internal import RstreamAdmin
internal import RstreamModel

struct Tunnels: ControlCommand {
    static let configuration = CommandConfiguration(abstract: "Show all tunnels, or everything about one.")

    @Argument(
        help: ArgumentHelp("The tunnel's name in the configuration.", valueName: "name"),
        completion: Names.tunnels
    )
    var name: String?

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        if let name {
            let answer = try await command.calls.ask(.tunnel(name), as: TunnelStatus.self)
            try command.show(answer) { TunnelView($0, now: .now).lines }
        } else {
            let answer = try await command.calls.ask(.tunnels, as: [TunnelStatus].self)
            try command.show(answer) { TunnelsView($0, now: .now, columns: command.console.columns).lines }
        }
        return .done
    }
}

struct Enable: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Open a disabled or drained tunnel again.",
        discussion: """
            Until the next reload, which restores what the configuration says. Streams that were draining go on.
            """
    )

    @Argument(
        help: ArgumentHelp("The tunnel's name in the configuration.", valueName: "tunnel"),
        completion: Names.tunnels
    )
    var tunnel: String

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        try await command.change(tunnel, .enable)
    }
}

struct Disable: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Close a tunnel.",
        discussion: """
            Until the next reload, which restores what the configuration says. The tunnel's reload.changed decides about its \
            streams; the command says what happens to them.
            """
    )

    @Argument(
        help: ArgumentHelp("The tunnel's name in the configuration.", valueName: "tunnel"),
        completion: Names.tunnels
    )
    var tunnel: String

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        try await command.change(tunnel, .disable)
    }
}

struct Drain: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take no new streams, and cut those that have not ended within drain.timeout.",
        discussion: """
            Until the next reload, which restores what the configuration says. The command and status say how many streams \
            are open and when they are cut; enable ends the drain.
            """
    )

    @Argument(
        help: ArgumentHelp("The tunnel's name in the configuration.", valueName: "tunnel"),
        completion: Names.tunnels
    )
    var tunnel: String

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        try await command.change(tunnel, .drain)
    }
}
