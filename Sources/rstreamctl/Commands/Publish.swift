// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Glibc
internal import Linux
internal import RstreamAdmin
internal import RstreamDaemonModel
internal import RstreamModel

struct Publish: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Open a tunnel for as long as the command runs.",
        discussion: """
            Prints the tunnel's address, then a line for each visitor and for everything else that happens to the \
            tunnel; with --table draws the same in place, with rates, until q. Ctrl-C closes it. The daemon checks it \
            like a tunnel of the files; a reload leaves it alone. A user who is neither root nor the daemon's own gets \
            TCP targets, and Unix sockets of their own. When another process takes over from the daemon, the tunnel and \
            the command go on.
            """
    )

    @Argument(help: ArgumentHelp(PublishWords.target, valueName: "target"))
    var target: String

    @Option(help: "The tunnel's name; without it, one is made from the target.")
    var name: String?

    @Option(name: .customLong("protocol"), help: ArgumentHelp(PublishWords.kind))
    var kind: PublishWords.Kind?

    @Option(help: ArgumentHelp(PublishWords.hostname))
    var hostname: String?

    @Option(help: "The context to open it with, instead of the default one.", completion: Names.contexts)
    var context: String?

    @Flag(name: .customLong("private"), help: ArgumentHelp(PublishWords.isPrivate))
    var isPrivate = false

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp(PublishWords.lasts, valueName: "duration"),
        transform: Self.duration
    )
    var lasts: Duration?

    @Flag(help: "Leave it open and return; it ends with unpublish, its time, or a stop of the daemon.")
    var detach = false

    @Flag(help: "Draw the tunnel, its streams and the latest visitors in place, as top does; needs a terminal.")
    var table = false

    @Flag(help: "Also draw the address as a QR code.")
    var qr = false

    @OptionGroup var options: GlobalOptions

    /// How long a detached tunnel has to come online.
    private static let patience = Duration.seconds(30)
    /// How long another process has to take over when the daemon's has ended the connection. It keeps the tunnel for as
    /// long.
    private static let claimPatience = Duration.seconds(10)
    private static let claimPause = Duration.milliseconds(100)

    private static func duration(_ text: String) throws -> Duration {
        guard let duration = PublishWords.duration(text) else { throw ValidationError(PublishWords.noDuration) }
        return duration
    }

    func validate() throws {
        if let conflict = PublishWords.conflict(isPrivate: isPrivate, hostname: hostname) {
            throw ValidationError(conflict)
        }
        if table, detach { throw ValidationError("--table and --detach do not go together: top shows all tunnels") }
        if isPrivate, qr { throw ValidationError("--private and --qr do not go together: there is no address") }
    }

    func act(_ command: CommandContext) async throws -> ExitStatus {
        let request = PublishRequest(self)
        guard !detach else { return try await openDetached(request, command) }
        guard !table else { return try await showTable(request, command) }
        var view = PublishView(request.name, drawsCode: qr)
        try await Self.open(request, command) { tunnel in
            command.tell(of: tunnel.diagnostics)
            command.console.complain(PublishView.opened(tunnel.name, tunnel.forward, lasts: lasts))
        } takenOver: { line in
            command.console.complain(line)
        } _: { event, json in
            if command.isJSON { try command.console.write(document: Array(json.utf8)) }
            let lines = view.lines(for: event)
            if !command.isJSON { try command.console.write(lines) }
            return !view.isOver
        }
        command.console.complain(Line("\(request.name) was closed"))
        return .done
    }

    /// Opens the tunnel, calls `opened` with it, and `happened` with each of its events until that returns false.
    /// `takenOver` gets a line for people when another process has taken over from the daemon, and the tunnel goes on.
    private static func open(
        _ request: PublishRequest,
        _ command: CommandContext,
        opened: (TunnelStatus) -> Void,
        takenOver: (Line) async -> Void,
        _ happened: (Event, String) async throws -> Bool
    ) async throws {
        var events = TunnelEvents(of: request.name)
        var isOver: Bool? = try await command.calls.openTunnel(request.json) { tunnel in
            events.opened(tunnel)
            opened(tunnel)
        } _: { event, json in
            guard events.take(event) else { return true }
            return try await happened(event, json)
        }
        while isOver == false {
            isOver = try await claim(request.name, &events, command) {
                await takenOver(Line("another process is the daemon now, \(request.name) goes on"))
            } _: { event, json in
                try await happened(event, json)
            }
        }
        guard isOver != nil else {
            throw Failure(.notReachable, "the daemon at \(command.calls.socket) has ended the tunnel")
        }
    }

    /// Claims the tunnel from the process that may have taken over, and follows it until `happened` returns false.
    /// Returns false when the daemon ended the connection again, and nil when no daemon has the tunnel.
    private static func claim(
        _ name: String,
        _ events: inout TunnelEvents,
        _ command: CommandContext,
        claimed: () async -> Void,
        _ happened: (Event, String) async throws -> Bool
    ) async throws -> Bool? {
        let deadline = ContinuousClock.now.advanced(by: claimPatience)
        while true {
            var isClaimed = false
            do {
                let isOver = try await command.calls.claimTunnel(name, after: events.lastID) {
                    isClaimed = true
                    await claimed()
                } _: { event, json in
                    guard events.take(event) else { return true }
                    return try await happened(event, json)
                }
                // The connection may also end before it is claimed.
                guard isOver == false, !isClaimed else { return isOver }
            } catch let failure as Failure where failure.isPassing && !isClaimed {
                // Busy with the take-over. The socket is handed over open, so where none listens there is no daemon.
                guard !failure.isAbsence else { return nil }
            }
            guard ContinuousClock.now < deadline else { return nil }
            try await Task.sleep(for: claimPause)
        }
    }

    /// Draws until the user quits or the tunnel is closed. The connection that follows the events owns the tunnel, so
    /// either end closes it.
    private func showTable(_ request: PublishRequest, _ command: CommandContext) async throws -> ExitStatus {
        guard command.console.isTerminal, !command.isJSON else {
            throw ValidationError("--table draws on a terminal; without it publish prints a line for each visitor")
        }
        let table = PublishTable(PublishProgress(request.name, drawsCode: qr))
        let (tunnels, opened) = AsyncStream.makeStream(of: TunnelStatus.self)
        let (status, warnings) = try await withThrowingTaskGroup(of: ExitStatus.self) { group in
            group.addTask {
                // Where the tunnel is refused there is nothing to draw.
                defer { opened.finish() }
                try await Self.open(request, command) { tunnel in
                    opened.yield(tunnel)
                } takenOver: { line in
                    await table.tell(line)
                } _: { event, _ in
                    await table.happened(event)
                }
                return .done
            }
            var warnings: [DiagnosticReport] = []
            for await tunnel in tunnels {
                warnings = tunnel.diagnostics ?? []
                group.addTask { try await Self.draw(table, of: tunnel.name, command) }
                break
            }
            defer { group.cancelAll() }
            return (try await group.next() ?? .done, warnings)
        }
        command.tell(of: warnings)
        command.console.complain(Line("\(request.name) was closed"))
        return status
    }

    private static func draw(
        _ table: PublishTable,
        of tunnel: String,
        _ command: CommandContext
    ) async throws -> ExitStatus {
        let clock = ContinuousClock()
        let start = clock.now
        var model = TopModel()
        var shown = Duration.zero
        return try await command.live(every: .seconds(1)) {
            let status = try await command.calls.ask(.status, as: DaemonStatus.self).value
            // It may have been closed in between, which the events tell.
            let streams = try? await command.calls.ask(.streams(tunnel: tunnel), as: [StreamStatus].self).value
            let snapshot = TopModel.Snapshot(status: status, streams: streams ?? []).only(tunnel)
            return (snapshot: snapshot, progress: await table.progress, time: clock.now - start)
        } view: { answer, size in
            guard let answer else { return [Line("asking the daemon ...")] }
            // A resize draws again without a new answer.
            if answer.time > shown {
                model.answered(answer.snapshot, at: answer.time)
                shown = answer.time
            }
            return PublishTableView(answer.progress, model, rows: size.rows, columns: size.columns, now: .now).lines
        }
    }

    private func openDetached(_ request: PublishRequest, _ command: CommandContext) async throws -> ExitStatus {
        let opened = try await command.calls.ask(.openTunnel, body: request.json, as: TunnelStatus.self).value
        command.tell(of: opened.diagnostics)
        let json = try await Waiting(command.calls, tunnel: request.name).run(timeout: Self.patience)
        guard !command.isJSON else {
            try command.console.write(document: json)
            return .done
        }
        let tunnel = try await command.calls.ask(.tunnel(request.name), as: TunnelStatus.self).value
        var view = PublishView(request.name, drawsCode: qr)
        try command.console.write(view.address(tunnel.forwardingAddress))
        command.console.complain(Line("rstreamctl unpublish \(request.name.shellWord) closes it"))
        return .done
    }
}

struct Unpublish: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Close a tunnel that was opened by hand.",
        discussion: "Its reload.changed decides about its open streams, as for a tunnel that a reload removes."
    )

    @Argument(help: ArgumentHelp("The tunnel's name.", valueName: "name"), completion: Names.tunnels)
    var name: String

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        try await command.order(.closeTunnel(name), "tunnel \(name) closed")
    }
}

struct Save: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a tunnel that was opened by hand as a tunnel file.",
        discussion: """
            To standard output, or to a new file. In the daemon's folder of tunnel files it stays after the next \
            reload, which takes the tunnel over without closing it.
            """
    )

    @Argument(help: ArgumentHelp("The tunnel's name.", valueName: "name"), completion: Names.tunnels)
    var name: String

    @Option(help: ArgumentHelp("The new file.", valueName: "file"), completion: .file())
    var to: String?

    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if to?.isEmpty == true { throw ValidationError("--to is empty") }
    }

    func act(_ command: CommandContext) async throws -> ExitStatus {
        let text = try await command.calls.bytes(.tunnelFile(name))
        guard let to else {
            try command.console.write(document: text)
            return .done
        }
        do throws(SystemError) {
            try await BlockingThreads.files.tryRun { () throws(SystemError) in try NewFile.write(text, to: to) }
        } catch {
            throw Failure(
                error.code == EACCES || error.code == EPERM ? .notPermitted : .failed,
                "\(to): \(error.reason)"
            )
        }
        command.console.complain(Line("\(to) written; rstreamctl reload takes it over"))
        return .done
    }
}

extension PublishWords.Kind: ExpressibleByArgument {}

extension CommandContext {
    /// Shows what the daemon has to say about a tunnel that it has opened all the same.
    fileprivate func tell(of diagnostics: [DiagnosticReport]?) {
        for line in (diagnostics ?? []).flatMap({ $0.text.split(byte: "\n") }) {
            console.complain(Line(String(line), .waiting))
        }
    }
}
