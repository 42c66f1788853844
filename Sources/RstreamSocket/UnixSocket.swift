// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
package import NIOCore

/// Connections to Unix sockets whose owner is checked. NIO connects to a name, which may mean another socket by then;
/// here the very socket that was checked is connected to.
///
/// Abstract sockets are here too: their names are lengths of bytes and not paths, which NIO's addresses cannot express.
package enum UnixSocket {
    package enum Failure: Error {
        /// The kernel's reason.
        case errno(CInt)
        /// The rule does not permit it.
        case notPermitted
        /// The socket is reserved: no tunnel may lead there.
        case reserved
    }

    /// `O_PATH` of every Linux this runs on; Swift's view of glibc leaves it out.
    static let holdOnly: CInt = 0o10_000_000

    /// A connected, non-blocking socket. Connecting to a Unix socket never waits: it succeeds, fails, or finds the
    /// listener's queue full, which fails with `EAGAIN`.
    package static func connect(toPath path: String, by rule: UnixSocketRule?) throws(Failure) -> NIOBSDSocket.Handle {
        guard let rule else { return try connect(Array(path.utf8) + [0]) }
        let socket = try pin(path, by: rule)
        defer { close(socket) }
        // The kernel follows this link to the very file that the descriptor holds, whatever the path means by now.
        return try connect(Array("/proc/self/fd/\(socket)".utf8) + [0])
    }

    /// The same for a name in the abstract name space. Such a socket has no owner of its own: the kernel is asked
    /// for the listening process's user after connecting, before anything is sent.
    package static func connect(
        toAbstract name: String,
        by rule: UnixSocketRule?
    ) throws(Failure) -> NIOBSDSocket.Handle {
        guard rule?.reserved?.contains(abstract: name) != true else { throw .reserved }
        let connection = try connect(toAbstract: Array(name.utf8))
        guard let rule else { return connection }
        // `struct ucred`, which Swift's view of glibc leaves out: process, user, group.
        var listener: [UInt32] = [0, 0, 0]
        var length = socklen_t(listener.count * MemoryLayout<UInt32>.size)
        guard getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &listener, &length) == 0,
            rule.permits(owner: listener[1])
        else {
            close(connection)
            throw .notPermitted
        }
        return connection
    }

    /// Some programs listen at a name of the address's full length, padded with zeros; to the kernel that is another
    /// name, which is tried when no process listens at the plain one.
    private static func connect(toAbstract name: [UInt8]) throws(Failure) -> NIOBSDSocket.Handle {
        do throws(Failure) {
            return try connect([0] + name)
        } catch {
            guard case .errno(ECONNREFUSED) = error, name.count + 1 < longestName else { throw error }
            return try connect([0] + name + [UInt8](repeating: 0, count: longestName - name.count - 1))
        }
    }

    /// Bytes of an address's name.
    private static let longestName = MemoryLayout.size(ofValue: sockaddr_un().sun_path)

    /// A descriptor that holds the socket at `path` and can do nothing else, if the rule permits the socket.
    private static func pin(_ path: String, by rule: UnixSocketRule) throws(Failure) -> CInt {
        if rule.lists(path) {
            // A user who may write in a listed directory could make a link to anywhere, so none is followed.
            let entry = Glibc.open(path, holdOnly | O_CLOEXEC | O_NOFOLLOW)
            if let status = FileStatus(of: entry), status.kind == .socket {
                return try keep(entry, unless: rule.reserved?.contains(status.identity) == true)
            }
            close(entry)
        }
        let file = Glibc.open(path, holdOnly | O_CLOEXEC)
        guard file >= 0 else { throw .errno(Glibc.errno) }
        guard let status = FileStatus(of: file), rule.permits(owner: status.owner) else {
            close(file)
            throw .notPermitted
        }
        return try keep(file, unless: rule.reserved?.contains(status.identity) == true)
    }

    private static func keep(_ file: CInt, unless isReserved: Bool) throws(Failure) -> CInt {
        guard isReserved else { return file }
        close(file)
        throw .reserved
    }

    /// Whether a process has the socket whose file is at `path`, of whatever type and whether it listens or not.
    package static func isHeld(path: String) throws(Failure) -> Bool {
        let probe = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { throw .errno(Glibc.errno) }
        let result = try with(Array(path.utf8) + [0], closing: probe) { Glibc.connect(probe, $0, $1) }
        // Anything else tells that there is one, or nothing at all, as when it may not be asked.
        let isRefused = result != 0 && Glibc.errno == ECONNREFUSED
        close(probe)
        return !isRefused
    }

    /// The name that a socket was bound to: a path, or a zero and an abstract name. Nil when it has none.
    static func name(of socket: CInt) -> [UInt8]? {
        var address = sockaddr_un()
        let size = MemoryLayout<sockaddr_un>.size
        let offset = size - MemoryLayout.size(ofValue: address.sun_path)
        var length = socklen_t(size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
        }
        guard result == 0, address.sun_family == sa_family_t(AF_UNIX), Int(length) > offset, Int(length) <= size else {
            return nil
        }
        let name = withUnsafeBytes(of: &address.sun_path) { Array($0.prefix(Int(length) - offset)) }
        return name.first == 0 ? name : Array(name.prefix { $0 != 0 })
    }

    /// Whether every user of this host may connect to a bound socket, as to any in the abstract name space.
    package static func isOpenToAll(bound socket: NIOBSDSocket.Handle) -> Bool {
        MayBlock.now("looking at the file of a socket")
        guard let name = name(of: socket), name.first != 0 else { return true }
        return FileStatus(String(decoding: name, as: UTF8.self)).map { $0.permissions & 0o002 != 0 } ?? true
    }

    /// A bound, non-blocking socket that does not listen yet; its file has no permissions at all.
    package static func bind(toPath path: String) throws(Failure) -> NIOBSDSocket.Handle {
        let descriptor = try open()
        // A socket's own mode is what its file is made with, whatever the process's mask is.
        guard fchmod(descriptor, 0) == 0 else { throw failure(closing: descriptor) }
        let result = try with(Array(path.utf8) + [0], closing: descriptor) { Glibc.bind(descriptor, $0, $1) }
        guard result == 0 else { throw failure(closing: descriptor) }
        return descriptor
    }

    private static func connect(_ name: [UInt8]) throws(Failure) -> NIOBSDSocket.Handle {
        let descriptor = try open()
        let result = try with(name, closing: descriptor) { Glibc.connect(descriptor, $0, $1) }
        guard result == 0 else { throw failure(closing: descriptor) }
        return descriptor
    }

    private static func open() throws(Failure) -> CInt {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .errno(Glibc.errno) }
        return descriptor
    }

    private static func failure(closing descriptor: CInt) -> Failure {
        let failure = Failure.errno(Glibc.errno)
        close(descriptor)
        return failure
    }

    /// Calls `body` with the address of these bytes, as long as they fit in one.
    private static func with(
        _ name: [UInt8],
        closing descriptor: CInt,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) throws(Failure) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let offset = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path)
        guard name.count <= MemoryLayout.size(ofValue: address.sun_path) else {
            close(descriptor)
            throw .errno(ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(offset + name.count)) }
        }
    }
}
