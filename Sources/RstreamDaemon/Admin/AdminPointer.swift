internal import Glibc
internal import Linux
internal import RstreamSocket

/// The usual place of the admin socket, which leads to it wherever it is: `systemctl reload`, and whoever else says nothing
/// about the socket, asks there.
struct AdminPointer: Sendable {
    /// Nil where there is no such place.
    let place: String?

    /// Has the place lead to `socket`. What is there stays, unless it is a link or a socket that a killed process has left.
    func lead(to socket: String) async {
        guard let place, socket != place else { return }
        await BlockingThreads.sockets.run { Self.link(place, to: socket) }
    }

    private static func link(_ place: String, to socket: String) {
        MayBlock.now("making a link")
        switch FileStatus(place)?.kind {
        case nil, .link?: break
        case .socket? where (try? UnixSocket.isHeld(path: place)) == false: break
        case .socket?, .regular?, .directory?, .other?: return
        }
        // In one step, so that the place never leads nowhere.
        let beside = place + ".new"
        Glibc.unlink(beside)
        guard symlink(socket, beside) == 0 else { return }
        if rename(beside, place) != 0 { Glibc.unlink(beside) }
    }

    /// Leaves nothing of ours there.
    func remove() async {
        guard let place else { return }
        await BlockingThreads.sockets.run { Self.unlink(place) }
    }

    private static func unlink(_ place: String) {
        MayBlock.now("removing a link")
        guard FileStatus(place)?.kind == .link else { return }
        Glibc.unlink(place)
    }
}
