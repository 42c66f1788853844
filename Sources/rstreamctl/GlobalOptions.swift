// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Glibc
internal import Linux
internal import RstreamDaemonModel

/// Options that every command takes, in front of its name or behind it.
struct GlobalOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table
        case json
    }

    @Option(
        help: ArgumentHelp(
            "The daemon's admin socket.",
            discussion: """
                Without it, $RSTREAMCTL_SOCKET, then $XDG_RUNTIME_DIR/rstreamd/admin.sock where an ordinary user has one, \
                then \(DaemonPaths.adminSocket).
                """,
            valueName: "path"
        ),
        completion: .file()
    )
    var socket: String?

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("For people, or the admin API's own JSON.", valueName: "format")
    )
    var format = Format.table

    /// An empty word comes from a variable that is not set, as in `--socket "$SOCKET"`: the usual socket may be that of
    /// another daemon.
    func validate() throws {
        if socket?.isEmpty == true { throw ValidationError("--socket is empty") }
    }

    var socketPath: String { Self.socketPath(socket) }

    /// The admin socket to use, `socket` where the command line names one.
    static func socketPath(_ socket: String?) -> String {
        let environment = ProcessEnvironment.variables
        let named = socket ?? environment["RSTREAMCTL_SOCKET"] ?? ""
        guard named.isEmpty else { return named }
        // Members of the socket's group ask the system's daemon unless they run one of their own.
        let own = DaemonPaths.usersAdminSocket(environment: environment, user: geteuid())
        return own.flatMap { access($0, F_OK) == 0 ? $0 : nil } ?? DaemonPaths.adminSocket
    }
}
