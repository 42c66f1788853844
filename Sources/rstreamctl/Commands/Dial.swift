// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Glibc
internal import Linux
internal import RstreamAdmin

struct Dial: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Connect standard input and output to a private tunnel.",
        discussion: """
            For programs that take a command in place of a connection, as ssh: ProxyCommand rstreamctl dial NAME. The \
            end of standard input is passed on; the command ends when the tunnel has no more.
            """
    )

    @Argument(help: ArgumentHelp("The id or name of the private tunnel at the engine.", valueName: "name"))
    var name: String

    @Option(help: "The context to dial with, instead of the default one.", completion: Names.contexts)
    var context: String?

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        // One for each direction.
        let threads = BlockingThreads(most: 2)
        let (socket, route) = (command.calls.socket, Route.dial(name, context: context))
        let stream = try await threads.tryRun { () throws(Failure) in
            do throws(AdminClientError) {
                return try DialStream(socket, route)
            } catch {
                throw Failure(error)
            }
        }
        // Nothing waits for this one: the process ends when the tunnel has no more, whatever standard input does.
        threads.submit { stream.send(allOf: STDIN_FILENO) }
        let failure = await threads.run { stream.receive(into: STDOUT_FILENO) }
        if let failure { throw failure }
        return .done
    }
}
