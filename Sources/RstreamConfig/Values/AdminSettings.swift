package import RstreamModel

/// The `admin` key: the socket that operators and `rstreamctl` talk to.
package struct AdminSettings: Hashable, Sendable {
    /// Path of the socket.
    @Bytewise package var socket: String
    /// The group that the socket is given to. One that does not exist is worth a warning, not an error.
    package var group: String
    /// The socket's permission bits: `mode`, written in octal.
    package var mode: UInt32

    /// The usual place of the socket.
    package static let defaultSocket = "/run/rstreamd/admin.sock"

    /// The defaults of the contract unless given.
    package init(socket: String = Self.defaultSocket, group: String = "rstream", mode: UInt32 = 0o660) {
        self.socket = socket
        self.group = group
        self.mode = mode
    }
}
