// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamDaemonModel
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
    /// The group whose members may read and change nothing; nil for none.
    @Bytewise package var readGroup: String?

    /// Where the socket of a daemon is that says nothing about it: in the directory that systemd has made for it, in the
    /// one that an ordinary user has for such things, or at the usual place.
    package static func defaultSocket(environment: [String: String], user: UInt32) -> String {
        if let directory = environment["RUNTIME_DIRECTORY"]?.split(byte: ":").first {
            return Path.resolve("admin.sock", in: String(directory))
        }
        return DaemonPaths.usersAdminSocket(environment: environment, user: user) ?? DaemonPaths.adminSocket
    }

    /// The defaults of the contract unless given.
    package init(
        socket: String = DaemonPaths.adminSocket,
        group: String = "rstream",
        mode: UInt32 = 0o660,
        readGroup: String? = nil
    ) {
        self.socket = socket
        self.group = group
        self.mode = mode
        self.readGroup = readGroup
    }
}
