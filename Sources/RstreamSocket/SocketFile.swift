// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
package import NIOCore

/// The file of a Unix socket that this process listens on. It appears complete, and no file of another process is
/// changed, replaced or removed.
///
/// The socket is bound inside a staging folder that only this process's user can enter, gets its group and
/// permissions there through a descriptor, and moves to its real name when it is being listened on. Users who may write
/// in the directory of that name cannot put anything else in its place meanwhile. Every directory is held by a
/// descriptor, so that its path may change its meaning meanwhile. Immutable.
///
/// A socket that a dead process has left there is replaced; one that a process still has, and any other kind of file,
/// is not. See ``isLeftover(_:)`` for how the two are told apart.
///
/// All of it may block, and is for ``BlockingThreads/sockets``.
package final class SocketFile: Sendable {
    package enum Failure: Error, Hashable {
        /// The kernel's reason.
        case errno(CInt)
        /// Another process uses the socket that is there.
        case inUse
        /// The file that is there is not a socket.
        case otherFile
    }

    /// The name of the socket in its staging folder.
    private static let stagedName = "s"
    /// What the names of these folders begin with, so that one that a killed process has left is known.
    private static let stagingPrefix = ".rstream-"

    private let directory: CInt
    private let name: String
    /// The folder where it is made: its descriptor, and below its name.
    private let staging: CInt
    private let folder: String
    package let identity: FileStatus.Identity

    private init(
        directory: CInt,
        name: String,
        staging: CInt,
        folder: String,
        identity: FileStatus.Identity
    ) {
        self.directory = directory
        self.name = name
        self.staging = staging
        self.folder = folder
        self.identity = identity
    }

    deinit {
        if staging >= 0 { close(staging) }
        close(directory)
    }

    // MARK: Making

    /// Binds a socket that is to become `path`, and gives it to `group` if there is one. The socket belongs to the
    /// caller.
    package static func bind(
        path: String,
        mode: UInt32,
        group: UInt32? = nil
    ) throws(Failure) -> (file: SocketFile, socket: NIOBSDSocket.Handle) {
        MayBlock.now("making a socket's file")
        let (parent, name) = split(path)
        // To hold it is enough to search it, which may be all that this process may do beside writing.
        let directory = open(parent, UnixSocket.holdOnly | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw .errno(Glibc.errno) }
        removeLeftovers(in: directory)
        let folder = stagingPrefix + String(UInt64.random(in: .min ... .max), radix: 36)
        let staging: CInt
        do throws(Failure) {
            staging = try makeStagingFolder(folder, in: directory)
        } catch {
            close(directory)
            throw error
        }
        do throws(Failure) {
            let socket = try bindStaged(staging)
            do throws(Failure) {
                let identity = try settle(staging, mode: mode, group: group)
                let file = SocketFile(
                    directory: directory,
                    name: name,
                    staging: staging,
                    folder: folder,
                    identity: identity
                )
                return (file, socket)
            } catch {
                close(socket)
                throw error
            }
        } catch {
            removeStagingFolder(staging, folder, in: directory)
            close(staging)
            close(directory)
            throw error
        }
    }

    /// The file at `path` of a socket that the process before this one has made and handed over.
    ///
    /// Throws ``Failure/otherFile`` when the path has another file by now.
    package static func adopt(path: String, _ identity: FileStatus.Identity) throws(Failure) -> SocketFile {
        MayBlock.now("looking at a socket's file")
        let (parent, name) = split(path)
        let directory = open(parent, UnixSocket.holdOnly | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw .errno(Glibc.errno) }
        let file = SocketFile(directory: directory, name: name, staging: -1, folder: "", identity: identity)
        guard file.isThere else { throw .otherFile }
        return file
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
        return (
            slash == path.startIndex ? "/" : String(path[..<slash]),
            String(path[path.utf8.index(after: slash)...])
        )
    }

    /// A new folder that only this process's user can enter.
    private static func makeStagingFolder(_ folder: String, in directory: CInt) throws(Failure) -> CInt {
        guard mkdirat(directory, folder, 0o700) == 0 else { throw .errno(Glibc.errno) }
        let staging = openat(directory, folder, UnixSocket.holdOnly | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard staging >= 0 else {
            let failure = Failure.errno(Glibc.errno)
            unlinkat(directory, folder, AT_REMOVEDIR)
            throw failure
        }
        // Between the two calls the name may have come to mean another folder.
        guard let status = FileStatus(of: staging), status.owner == geteuid(), status.permissions & 0o077 == 0 else {
            close(staging)
            unlinkat(directory, folder, AT_REMOVEDIR)
            throw .errno(EPERM)
        }
        return staging
    }

    private static func bindStaged(_ staging: CInt) throws(Failure) -> NIOBSDSocket.Handle {
        do throws(UnixSocket.Failure) {
            // The way through the descriptor is short enough for every name.
            return try UnixSocket.bind(toPath: "/proc/self/fd/\(staging)/\(stagedName)")
        } catch {
            throw if case .errno(let code) = error { .errno(code) } else { .otherFile }
        }
    }

    /// Gives the socket its group and mode, both through a descriptor of the file itself.
    private static func settle(
        _ staging: CInt,
        mode: UInt32,
        group: UInt32?
    ) throws(Failure) -> FileStatus.Identity {
        let file = openat(staging, stagedName, UnixSocket.holdOnly | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { throw .errno(Glibc.errno) }
        defer { close(file) }
        guard let status = FileStatus(of: file), status.kind == .socket, status.owner == geteuid() else {
            throw .otherFile
        }
        // Only the owner can reach the file yet.
        try give(file, mode: mode, group: group)
        return status.identity
    }

    /// Gives the file that a descriptor holds a group and a mode, in this order.
    private static func give(_ file: CInt, mode: UInt32, group: UInt32?) throws(Failure) {
        if let group, fchownat(file, "", .max, group, emptyPath) != 0 { throw .errno(Glibc.errno) }
        try give(file, mode: mode)
    }

    private static func give(_ file: CInt, mode: UInt32) throws(Failure) {
        // `fchmod` takes no descriptor that only holds; the kernel follows this link to the very file that it holds.
        guard chmod("/proc/self/fd/\(file)", mode) == 0 else { throw .errno(Glibc.errno) }
    }

    /// `AT_EMPTY_PATH` of every Linux this runs on; Swift's view of glibc leaves it out.
    private static let emptyPath: CInt = 0x1000

    private static func removeStagingFolder(_ staging: CInt, _ folder: String, in directory: CInt) {
        // One that was handed over has none.
        guard staging >= 0 else { return }
        unlinkat(staging, stagedName, 0)
        unlinkat(directory, folder, AT_REMOVEDIR)
    }

    /// Removes the folders of sockets that dead processes were about to publish. One without a socket is left alone: it
    /// may be about to get it.
    private static func removeLeftovers(in directory: CInt) {
        // What may only be searched cannot be looked through.
        let readable = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard readable >= 0 else { return }
        guard let entries = fdopendir(readable) else {
            close(readable)
            return
        }
        defer { closedir(entries) }
        var names: [String] = []
        while names.count < mostLeftovers, let entry = readdir(entries) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.utf8.starts(with: stagingPrefix.utf8) { names.append(name) }
        }
        for name in names {
            let staging = openat(directory, name, UnixSocket.holdOnly | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard staging >= 0 else { continue }
            defer { close(staging) }
            guard let status = FileStatus(of: staging), status.owner == geteuid(), status.permissions & 0o077 == 0
            else {
                continue
            }
            let socket = openat(staging, stagedName, UnixSocket.holdOnly | O_NOFOLLOW | O_CLOEXEC)
            guard socket >= 0 else { continue }
            defer { close(socket) }
            guard FileStatus(of: socket)?.kind == .socket, (try? isLeftover(socket)) == true else { continue }
            removeStagingFolder(staging, name, in: directory)
        }
    }

    /// More of them than this are looked at another time.
    private static let mostLeftovers = 64

    // MARK: Its name

    /// Gives the socket its real name, now that it is being listened on. `predecessor` may be replaced, and a link if
    /// `replacesLink` is true; both in one step, so that a client that connects meanwhile finds one of the two.
    package func publish(replacing predecessor: SocketFile? = nil, replacesLink: Bool = false) throws(Failure) {
        MayBlock.now("naming a socket")
        // One that was handed over has its name.
        guard staging >= 0 else { return }
        // What was exchanged for it is in the folder by then.
        defer { Self.removeStagingFolder(staging, folder, in: directory) }
        // A link, unlike a rename, never replaces what has the name.
        if linkIsMade() { return }
        guard Glibc.errno == EEXIST else { throw .errno(Glibc.errno) }
        let found = openat(directory, name, UnixSocket.holdOnly | O_NOFOLLOW | O_CLOEXEC)
        guard found >= 0 else {
            let failure = Failure.errno(Glibc.errno)
            // It may have gone since.
            if failure == .errno(ENOENT), linkIsMade() { return }
            throw failure
        }
        defer { close(found) }
        guard let status = FileStatus(of: found) else { throw .otherFile }
        let isLink = replacesLink && status.kind == .link
        guard isLink || status.kind == .socket else { throw .otherFile }
        if !isLink, status.identity != predecessor?.identity {
            // The kernel holds a directory while a socket is bound in it, from the making of the file until the socket
            // is known by it. Trying once more waits for that, so that a socket is not judged in between.
            if linkIsMade() { return }
            guard Glibc.errno == EEXIST else { throw .errno(Glibc.errno) }
            guard try Self.isLeftover(found) else { throw .inUse }
        }
        try exchange(for: status.identity)
    }

    /// Throws what ``publish(replacing:replacesLink:)`` would throw, as far as that can be known before.
    package func checkName(replacing predecessor: SocketFile? = nil, replacesLink: Bool = false) throws(Failure) {
        MayBlock.now("looking at a socket's file")
        guard staging >= 0 else { return }
        let found = openat(directory, name, UnixSocket.holdOnly | O_NOFOLLOW | O_CLOEXEC)
        guard found >= 0 else { return }
        defer { close(found) }
        guard let status = FileStatus(of: found) else { return }
        guard status.identity != predecessor?.identity, !replacesLink || status.kind != .link else { return }
        guard status.kind == .socket else { throw .otherFile }
        guard try Self.isLeftover(found) else { throw .inUse }
    }

    /// Gives the socket that has the name another mode, and another group if there is one. In between no user may do
    /// what was not permitted before and is not afterwards.
    package func change(mode: UInt32, group: UInt32? = nil) throws(Failure) {
        MayBlock.now("changing a socket's file")
        let file = openat(directory, name, UnixSocket.holdOnly | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { throw .errno(Glibc.errno) }
        defer { close(file) }
        guard let status = FileStatus(of: file), status.identity == identity else { throw .otherFile }
        // Neither group gets what the other one has.
        if group != nil { try Self.give(file, mode: mode & status.permissions) }
        try Self.give(file, mode: mode, group: group)
    }

    /// Makes a socket for `path` as a listener does, and takes it away before it has that name. Throws what the
    /// listener would meet.
    package static func tryPath(_ path: String, mode: UInt32) throws(Failure) {
        let (file, socket) = try bind(path: path, mode: mode)
        defer {
            close(socket)
            file.remove()
        }
        try file.checkName()
    }

    /// Whether the name is still this socket's.
    package var isThere: Bool {
        MayBlock.now("looking at a socket's file")
        return FileStatus(name, in: directory)?.identity == identity
    }

    /// Takes the name away, if it is still this socket's.
    package func remove() {
        MayBlock.now("removing a socket's file")
        Self.removeStagingFolder(staging, folder, in: directory)
        if FileStatus(name, in: directory)?.identity == identity { unlinkat(directory, name, 0) }
    }

    private func linkIsMade() -> Bool {
        linkat(staging, Self.stagedName, directory, name, 0) == 0
    }

    /// Takes the name from the file that was judged, in one step, and puts it back if it was another one by then.
    private func exchange(for judged: FileStatus.Identity) throws(Failure) {
        let names = ((staging, Self.stagedName), (directory, name))
        do throws(SystemError) {
            try SystemCall.exchange(names.0, names.1)
        } catch {
            // Few file systems cannot do it; there, a file that another user puts there at this moment may be lost.
            guard error.code == EINVAL, FileStatus(name, in: directory)?.identity == judged else {
                throw error.code == ENOENT ? .inUse : .errno(error.code)
            }
            guard renameat(staging, Self.stagedName, directory, name) == 0 else { throw .errno(Glibc.errno) }
            return
        }
        guard FileStatus(Self.stagedName, in: staging)?.identity != judged else { return }
        // Put the other file back, also when the name is free by now.
        if (try? SystemCall.exchange(names.0, names.1)) == nil {
            renameat(staging, Self.stagedName, directory, name)
        }
        throw .inUse
    }

    /// Whether the process that had this socket is gone. What is dead once stays so: binding always makes a new file.
    ///
    /// The kernel refuses a connection to a socket that is bound and does not listen yet as it refuses one to a file
    /// that is no process's. A datagram socket that is to be connected tells them apart, and does not trouble the
    /// listener: the kernel looks for a socket that has the file first, and compares the types then.
    private static func isLeftover(_ file: CInt) throws(Failure) -> Bool {
        do throws(UnixSocket.Failure) {
            return try !UnixSocket.isHeld(path: "/proc/self/fd/\(file)")
        } catch {
            throw if case .errno(let code) = error { .errno(code) } else { .otherFile }
        }
    }
}
