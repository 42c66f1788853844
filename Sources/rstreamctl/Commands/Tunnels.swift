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

/// Which tunnels a command changes: one, or all.
struct TunnelSelection: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The tunnel's name in the configuration.", valueName: "tunnel"),
        completion: Names.tunnels
    )
    var tunnel: String?

    @Flag(help: "All tunnels, without those that the configuration disables.")
    var all = false

    func validate() throws {
        guard (tunnel != nil) != all else {
            throw ValidationError(all ? "a tunnel and --all exclude each other" : "name a tunnel, or use --all")
        }
    }

    func route(_ change: Route.TunnelChange) -> Route {
        tunnel.map { .changeTunnel($0, change) } ?? .changeTunnels(change)
    }
}

struct Enable: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Open a disabled or drained tunnel again.",
        discussion: """
            Streams that were draining go on. A tunnel that the configuration disables is open until the next reload; \
            --all leaves such tunnels alone.
            """
    )

    @OptionGroup var selection: TunnelSelection
    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        try await command.change(selection, .enable)
    }
}

struct Disable: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Close a tunnel.",
        discussion: """
            Until the next reload, which restores what the configuration says; with --until-enabled until rstreamctl \
            enable, across reloads and restarts. The tunnel's reload.changed decides about its streams; the command says \
            what happens to them.
            """
    )

    @OptionGroup var selection: TunnelSelection

    @Flag(help: "Until it is enabled, across reloads and restarts.")
    var untilEnabled = false

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        try await command.change(selection, .disable, untilEnabled: untilEnabled)
    }
}

struct Drain: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take no new streams, and cut those that have not ended within drain.timeout.",
        discussion: """
            Until the next reload, which restores what the configuration says; with --until-enabled until rstreamctl \
            enable, across reloads and restarts. The command and status say how many streams are open and when they are \
            cut; enable ends the drain. With --all, another host that has the same tunnels on standby takes over.
            """
    )

    @OptionGroup var selection: TunnelSelection

    @Flag(help: "Until it is enabled, across reloads and restarts.")
    var untilEnabled = false

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        try await command.change(selection, .drain, untilEnabled: untilEnabled)
    }
}
