internal import ArgumentParser
internal import Linux

/// Options that every command takes, in front of its name or behind it.
struct GlobalOptions: ParsableArguments {
    static let defaultSocket = "/run/rstreamd/admin.sock"

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table
        case json
    }

    @Option(
        help: ArgumentHelp(
            "The daemon's admin socket.",
            discussion: "Without it, $RSTREAMCTL_SOCKET, then \(defaultSocket).",
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

    var socketPath: String {
        let named = socket ?? ProcessEnvironment.variables["RSTREAMCTL_SOCKET"] ?? ""
        return named.isEmpty ? Self.defaultSocket : named
    }
}
