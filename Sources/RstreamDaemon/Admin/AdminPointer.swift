internal import Glibc
internal import RstreamSocket

/// The usual place of the admin socket, which leads to it wherever it is: `systemctl reload`, and whoever else says nothing
/// about the socket, asks there.
struct AdminPointer: Sendable {
    /// Nil where there is no such place.
    let place: String?

    /// Has the place lead to `socket`. What is there stays, unless it is a link or a socket that a killed process has left.
    func lead(to socket: String) {
        guard let place, socket != place else { return }
        switch FileStatus(place)?.kind {
        case nil, .link?: break
        case .socket? where (try? UnixSocket.isHeld(path: place)) == false: break
        case .socket?, .regular?, .directory?, .other?: return
        }
        // In one step, so that the place never leads nowhere.
        let beside = place + ".new"
        unlink(beside)
        guard symlink(socket, beside) == 0 else { return }
        if rename(beside, place) != 0 { unlink(beside) }
    }

    /// Leaves nothing of ours there.
    func remove() {
        guard let place, FileStatus(place)?.kind == .link else { return }
        unlink(place)
    }
}
