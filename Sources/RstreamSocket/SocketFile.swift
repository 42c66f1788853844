package import Glibc
package import NIOCore

/// The file of a Unix socket that this process listens on: nobody meets it half made, and nothing that is somebody
/// else's is replaced or removed.
///
/// The socket is bound to a name of its own, gets the permissions it is to have, and shows up under its real name when
/// it is being listened on. A socket that a dead process has left there is replaced; one that somebody listens on, and
/// any other kind of file, is not. The directory is held by a descriptor, so that its path may change its meaning
/// meanwhile. Immutable.
package final class SocketFile: Sendable {
    package enum Failure: Error, Hashable {
        /// The kernel's reason.
        case errno(CInt)
        /// Somebody listens there.
        case inUse
        /// What is there is no socket.
        case otherFile
    }

    /// Which file a name stands for.
    private struct Identity: Equatable {
        let device: dev_t
        let node: ino_t
        let isSocket: Bool

        /// Nil when nothing has the name; a link is not followed.
        init?(_ name: String, in directory: CInt) {
            var status = stat()
            guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
            device = status.st_dev
            node = status.st_ino
            isSocket = status.st_mode & S_IFMT == S_IFSOCK
        }
    }

    private let directory: CInt
    private let name: String
    private let boundName: String
    private let identity: Identity

    private init(directory: CInt, name: String, boundName: String, identity: Identity) {
        self.directory = directory
        self.name = name
        self.boundName = boundName
        self.identity = identity
    }

    deinit {
        close(directory)
    }

    /// Binds a socket that is to become `path`, and gives it to `group` if there is one. The socket belongs to the caller.
    package static func bind(
        path: String,
        mode: mode_t,
        group: gid_t? = nil
    ) throws(Failure) -> (file: SocketFile, socket: NIOBSDSocket.Handle) {
        let (folder, name) = split(path)
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw .errno(Glibc.errno) }
        let boundName = ".\(String(UInt64.random(in: .min ... .max), radix: 36))"
        let socket: NIOBSDSocket.Handle
        do {
            // The way through the descriptor is short enough for every name.
            socket = try UnixSocket.bind(toPath: "/proc/self/fd/\(directory)/\(boundName)")
        } catch {
            close(directory)
            throw if case .errno(let code) = error { .errno(code) } else { .otherFile }
        }
        // The group comes first: before, nobody but the owner has any right.
        guard group.map({ fchownat(directory, boundName, .max, $0, 0) == 0 }) != false,
            fchmodat(directory, boundName, mode, 0) == 0, let identity = Identity(boundName, in: directory)
        else {
            let failure = Failure.errno(Glibc.errno)
            unlinkat(directory, boundName, 0)
            close(socket)
            close(directory)
            throw failure
        }
        return (SocketFile(directory: directory, name: name, boundName: boundName, identity: identity), socket)
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        return (slash == path.startIndex ? "/" : String(path[..<slash]), String(path[path.index(after: slash)...]))
    }

    /// Gives the socket its real name, now that it is being listened on. `predecessor` may be replaced, in one step.
    package func publish(replacing predecessor: SocketFile? = nil) throws(Failure) {
        if let predecessor, Identity(name, in: directory) == predecessor.identity {
            guard renameat(directory, boundName, directory, name) == 0 else { throw .errno(Glibc.errno) }
            return
        }
        defer { unlinkat(directory, boundName, 0) }
        // A link, unlike a rename, never replaces what has the name.
        if linkat(directory, boundName, directory, name, 0) == 0 { return }
        guard Glibc.errno == EEXIST else { throw .errno(Glibc.errno) }
        try removeLeftover()
        guard linkat(directory, boundName, directory, name, 0) == 0 else {
            throw Glibc.errno == EEXIST ? .inUse : .errno(Glibc.errno)
        }
    }

    /// Throws what ``publish(replacing:)`` would throw, as far as that can be known before.
    package func checkName(replacing predecessor: SocketFile? = nil) throws(Failure) {
        guard let found = Identity(name, in: directory), found != predecessor?.identity else { return }
        try checkLeftover(found)
    }

    /// Takes the name away, if it is still this socket's.
    package func remove() {
        unlinkat(directory, boundName, 0)
        if Identity(name, in: directory) == identity { unlinkat(directory, name, 0) }
    }

    private func removeLeftover() throws(Failure) {
        guard let found = Identity(name, in: directory) else { return }
        try checkLeftover(found)
        guard Identity(name, in: directory) == found else { throw .inUse }
        unlinkat(directory, name, 0)
    }

    private func checkLeftover(_ found: Identity) throws(Failure) {
        guard found.isSocket else { throw .otherFile }
        do {
            close(try UnixSocket.connect(toPath: "/proc/self/fd/\(directory)/\(name)", by: nil))
            throw Failure.inUse
        } catch UnixSocket.Failure.errno(ECONNREFUSED) {
            // Nobody listens: what a process that is gone has left.
        } catch {
            // Its queue is full, or it may not be asked; either way somebody may listen.
            throw .inUse
        }
    }
}
