// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// How a listener takes connections and dials for them: keys of `listeners` that need not be given (contract §3.4).
package struct ListenerOptions: Hashable, Sendable {
    /// How long one dial may take, from the connection to the engine to its answer; more than zero.
    package var dialTimeout: Duration
    /// The most streams at once; zero for no limit of its own.
    package var streamLimit: Int
    /// Who may connect, where it listens at a Unix socket.
    package var rights: SocketRights

    /// The defaults unless given.
    package init(
        dialTimeout: Duration = .seconds(15),
        streamLimit: Int = 0,
        rights: SocketRights = SocketRights()
    ) {
        self.dialTimeout = dialTimeout
        self.streamLimit = streamLimit
        self.rights = rights
    }
}

/// Who may connect to a Unix socket in the file system.
package struct SocketRights: Hashable, Sendable {
    /// The permission bits of its file.
    package var mode: UInt32
    /// The name of the group that it is given to; nil for the group of the process.
    @Bytewise package var group: String?

    /// The owner and the group unless given.
    package init(mode: UInt32 = 0o660, group: String? = nil) {
        self.mode = mode
        self.group = group
    }
}
