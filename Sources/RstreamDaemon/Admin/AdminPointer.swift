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

    /// Links the path to `socket`. A file there stays, unless it is a link or a socket that a killed process has left.
    func lead(to socket: String) async {
        guard let path, socket != path else { return }
        await BlockingThreads.sockets.run { Self.link(path, to: socket) }
    }

    private static func link(_ path: String, to socket: String) {
        MayBlock.now("making a link")
        switch FileStatus(path)?.kind {
        case nil, .link?: break
        case .socket? where (try? UnixSocket.isHeld(path: path)) == false: break
        case .socket?, .regular?, .directory?, .other?: return
        }
        // Renamed into place, so that the path never leads nowhere.
        let beside = path + ".new"
        Glibc.unlink(beside)
        guard symlink(socket, beside) == 0 else { return }
        if rename(beside, path) != 0 { Glibc.unlink(beside) }
    }

    /// Whether the path has a link, which gives way to a socket.
    func isThere() async -> Bool {
        guard let path else { return false }
        return await BlockingThreads.sockets.run { Self.isLink(path) }
    }

    private static func isLink(_ path: String) -> Bool {
        MayBlock.now("looking at a link")
        return FileStatus(path)?.kind == .link
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
