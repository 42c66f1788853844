// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Linux
internal import NIOPosix
internal import RstreamAdmin

struct Completions: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print a completion script for a shell.",
        discussion: """
            bash: source <(rstreamctl completions bash)
            zsh: rstreamctl completions zsh > "${fpath[1]}/_rstreamctl"
            fish: rstreamctl completions fish > ~/.config/fish/completions/rstreamctl.fish
            """
    )

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash
        case zsh
        case fish

        var completionShell: CompletionShell {
            switch self {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        }
    }

    @Argument(help: ArgumentHelp("The shell.", valueName: "shell"))
    var shell: Shell

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        try command.console.write(document: Array(Rstreamctl.completionScript(for: shell.completionShell).utf8))
        return .done
    }
}

/// Replaces the parser's own command, which shows the general help for an unknown command and exits with 0.
struct Help: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show help about a command.",
        // The parser shows its own already.
        shouldDisplay: false
    )

    @Argument(help: ArgumentHelp("The command.", valueName: "command"), completion: Names.commands)
    var command: String?

    func run() throws {
        guard let command else { throw CleanExit.helpRequest(Rstreamctl.self) }
        guard let type = Rstreamctl.configuration.subcommands.first(where: { $0._commandName == command }) else {
            throw ValidationError(Words.unknown(command, among: Rstreamctl.commandNames))
        }
        throw CleanExit.helpRequest(type)
    }
}

/// Names that the shell completes a word to. The daemon knows them; without an answer within a second there are none.
enum Names {
    static let tunnels = completion(.tunnels, as: [TunnelStatus].self) { $0.map(\.name) }
    static let contexts = completion(.sessions, as: [SessionStatus].self) { $0.map(\.context) }
    static let streams = completion(.streams(tunnel: nil), as: [StreamStatus].self) { $0.map(\.id) }
    static let commands = CompletionKind.custom { _, _, _ in Rstreamctl.commandNames }

    private static func completion<Value: Decodable & Sendable>(
        _ route: Route,
        as type: Value.Type,
        _ names: @escaping @Sendable (Value) -> [String]
    ) -> CompletionKind {
        .custom { (words: [String], _: Int, _: String) async -> [String] in
            var timeouts = AdminClient.Timeouts()
            timeouts.answer = .seconds(1)
            // The line so far may name the socket.
            let named = words.firstIndex(of: "--socket").flatMap { words.dropFirst($0 + 1).first }
            let client = AdminClient(
                socket: GlobalOptions.socketPath(named),
                group: MultiThreadedEventLoopGroup(numberOfThreads: 1),
                timeouts: timeouts
            )
            return (try? await client.call(route, as: type)).map(names) ?? []
        }
    }
}
