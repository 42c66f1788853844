// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import RstreamAdmin
internal import RstreamModel

struct Reconnect: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Connect to the engine at once, whatever the backoff says.",
        discussion: "A session that is online connects anew; open streams stay."
    )

    @Argument(
        help: ArgumentHelp("The context whose session connects anew; without it, all do.", valueName: "context"),
        completion: Names.contexts
    )
    var context: String?

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        var contexts: [String] = []
        if let context {
            contexts = [context]
        } else {
            let sessions = try await command.calls.ask(.sessions, as: [SessionStatus].self).value
            var known: Set<ByteKey> = []
            for session in sessions where known.insert(ByteKey(session.context)).inserted {
                contexts.append(session.context)
            }
        }
        for context in contexts {
            _ = try await command.order(
                .reconnect(context: context),
                "context \(context): connecting, see rstreamctl status"
            )
        }
        return .done
    }
}
