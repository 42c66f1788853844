// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc

/// Listening sockets that the process before this one has handed over: one for each address of a name, with the file of
/// a Unix socket. The taker closes the descriptors or gives them to channels.
package struct InheritedListener: Sendable {
    package let sockets: [CInt]
    package let file: SocketFile?

    package init(sockets: [CInt], file: SocketFile?) { (self.sockets, self.file) = (sockets, file) }

    /// Closes the descriptors.
    package func close() {
        for socket in sockets { Glibc.close(socket) }
    }
}
