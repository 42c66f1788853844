internal import ArgumentParser
internal import RstreamControl

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
