internal import ArgumentParser
internal import Glibc
internal import Linux
internal import RstreamConfig

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
                then \(AdminSettings.defaultSocket).
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

    var socketPath: String { Self.socketPath(socket) }

    /// Where the daemon is asked, for somebody who has named a socket or has not.
    static func socketPath(_ socket: String?) -> String {
        let environment = ProcessEnvironment.variables
        let named = socket ?? environment["RSTREAMCTL_SOCKET"] ?? ""
        guard named.isEmpty else { return named }
        // Members of the socket's group ask the system's daemon as long as they run none of their own.
        let own = AdminSettings.usersSocket(environment: environment, user: geteuid())
        return own.flatMap { access($0, F_OK) == 0 ? $0 : nil } ?? AdminSettings.defaultSocket
    }
}
