internal import Glibc

/// The usual place of the admin socket, which leads to it wherever it is: `systemctl reload`, and whoever else says nothing
/// about the socket, asks there.
struct AdminPointer: Sendable {
    /// Nil where there is no such place.
    let place: String?

    /// Has the place lead to `socket`. What is there and is no link stays.
    func lead(to socket: String) {
        guard let place, socket != place else { return }
        var status = stat()
        guard lstat(place, &status) != 0 || status.st_mode & S_IFMT == S_IFLNK else { return }
        // In one step, so that the place never leads nowhere.
        let beside = place + ".new"
        unlink(beside)
        guard symlink(socket, beside) == 0 else { return }
        if rename(beside, place) != 0 { unlink(beside) }
    }

    /// Leaves nothing of ours there.
    func remove() {
        guard let place else { return }
        var status = stat()
        guard lstat(place, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return }
        unlink(place)
    }
}
