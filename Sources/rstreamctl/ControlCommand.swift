// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Linux
internal import NIOPosix
internal import RstreamAdmin
internal import RstreamDaemonModel
internal import RstreamModel

/// A command: what it does, and how a failure becomes a message and an exit status.
protocol ControlCommand: AsyncParsableCommand {
    var options: GlobalOptions { get }

    /// Does it. Throws ``Failure`` for what went wrong.
    func act(_ command: CommandContext) async throws -> ExitStatus
}

/// What a command works with.
struct CommandContext {
    let calls: DaemonCalls
    let console: Console
    /// Whether the API's own JSON is wanted.
    let isJSON: Bool
}

extension ControlCommand {
    func run() async throws {
        // One connection needs one thread, and one starts sooner than one for each processor.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let command = CommandContext(
            calls: DaemonCalls(socket: options.socketPath, group: group),
            console: Console(environment: ProcessEnvironment.variables),
            isJSON: options.format == .json
        )
        let status: ExitStatus
        do {
            status = try await act(command)
        } catch let failure as Failure {
            // A program that reads the JSON may understand what this one does not.
            if command.isJSON, let answer = failure.answer { try? command.console.write(document: answer) }
            command.console.complain(await explain(failure))
            status = failure.status
        } catch let error where !Self.isForParser(error) {
            command.console.complain(.unforeseen)
            status = .failed
        }
        // The process ends here, and the thread with it.
        if status != .done { throw ExitCode(status.rawValue) }
    }

    /// Adds what systemd knows about the unit where no daemon listens at the usual socket.
    private func explain(_ failure: Failure) async -> Failure {
        guard failure.isAbsence, options.socketPath == DaemonPaths.adminSocket,
            let unit = await UnitState.current()
        else { return failure }
        return failure.explained(by: unit)
    }

    private static func isForParser(_ error: any Error) -> Bool {
        error is ExitCode || error is ValidationError || error is CleanExit
    }
}

extension CommandContext {
    /// Prints an answer: the daemon's own JSON, or the lines for people.
    func show<Value>(_ answer: DaemonCalls.Answer<Value>, _ lines: (Value) -> [Line]) throws {
        if isJSON {
            try console.write(document: answer.json)
        } else {
            try console.write(lines(answer.value))
        }
    }

    /// Changes tunnels, and shows what becomes of their streams.
    func change(
        _ selection: TunnelSelection,
        _ change: Route.TunnelChange,
        untilEnabled: Bool = false
    ) async throws -> ExitStatus {
        let route = selection.route(change)
        let body = untilEnabled ? try AdminJSON.encode(TunnelChangeRequest(untilEnabled: true)) : nil
        if selection.all {
            let answer = try await calls.ask(route, body: body, as: [Accepted].self)
            try show(answer) { TunnelChangeView($0, change, now: .now).lines }
        } else {
            let answer = try await calls.ask(route, body: body, as: Accepted.self)
            try show(answer) { TunnelChangeView([$0], change, now: .now).lines }
        }
        return .done
    }

    /// Makes a call whose answer says little more than yes, and shows `done`.
    func order(_ route: Route, _ done: String) async throws -> ExitStatus {
        let json = try await calls.bytes(route)
        if isJSON {
            try console.write(document: json)
        } else {
            try console.write([Line(done)])
        }
        return .done
    }
}
