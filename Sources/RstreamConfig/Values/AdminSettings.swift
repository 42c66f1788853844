package import RstreamModel

/// The `admin` key: the socket that operators and `rstreamctl` talk to.
package struct AdminSettings: Hashable, Sendable {
    /// Path of the socket, also when there is to be none.
    @Bytewise package var socket: String
    /// Whether there is a socket; `socket: none` says no.
    package var hasSocket = true
    /// The group that the socket is given to. One that does not exist is worth a warning, not an error.
    @Bytewise package var group: String
    /// The socket's permission bits: `mode`, written in octal.
    package var mode: UInt32

    /// The usual place of the socket.
    package static let defaultSocket = "/run/rstreamd/admin.sock"

    /// Where the socket of a daemon is that says nothing about it: in the directory that systemd has made for it, in
    /// the one that an ordinary user has for such things, or at the usual place.
    package static func defaultSocket(environment: [String: String], user: UInt32) -> String {
        if let directory = environment["RUNTIME_DIRECTORY"]?.split(byte: ":").first {
            return Path.resolve("admin.sock", in: String(directory))
        }
        return usersSocket(environment: environment, user: user) ?? defaultSocket
    }

    /// Where the socket of an ordinary user's own daemon is; nil for root, and for one who has no place for it.
    package static func usersSocket(environment: [String: String], user: UInt32) -> String? {
        guard user != 0, let directory = environment["XDG_RUNTIME_DIR"], directory.startsWithBytes(of: "/") else {
            return nil
        }
        return Path.resolve("rstreamd/admin.sock", in: directory)
    }

    /// The defaults of the contract unless given.
    package init(socket: String = Self.defaultSocket, group: String = "rstream", mode: UInt32 = 0o660) {
        self.socket = socket
        self.group = group
        self.mode = mode
    }
}
