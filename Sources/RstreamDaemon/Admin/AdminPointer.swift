// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import RstreamSocket

/// A symbolic link from the default path of the admin socket to where it is, for `systemctl reload` and other clients
/// that use the default path.
struct AdminPointer: Sendable {
    /// Nil where there is no default path.
    let path: String?

    /// Links the path to `socket`. A file there stays, unless it is a link, a socket that a killed process has left, or
    /// `predecessor`.
    func lead(to socket: String, replacing predecessor: FileStatus.Identity? = nil) async {
        guard let path, socket != path else { return }
        await BlockingThreads.sockets.run { Self.link(path, to: socket, replacing: predecessor) }
    }

    private static func link(_ path: String, to socket: String, replacing predecessor: FileStatus.Identity?) {
        MayBlock.now("making a link")
        let found = FileStatus(path)
        switch found?.kind {
        case nil, .link?: break
        case .socket? where found?.identity == predecessor: break
        case .socket? where (try? UnixSocket.isHeld(path: path)) == false: break
        case .socket?, .regular?, .directory?, .other?: return
        }
        // Renamed into place, so that the path never leads nowhere.
        let beside = path + ".new"
        Glibc.unlink(beside)
        guard symlink(socket, beside) == 0 else { return }
        if rename(beside, path) != 0 { Glibc.unlink(beside) }
    }

    /// Removes the link.
    func remove() async {
        guard let path else { return }
        await BlockingThreads.sockets.run { Self.unlink(path) }
    }

    private static func unlink(_ path: String) {
        MayBlock.now("removing a link")
        guard FileStatus(path)?.kind == .link else { return }
        Glibc.unlink(path)
    }
}
