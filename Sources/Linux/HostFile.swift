// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CLinux
internal import Glibc
internal import RstreamModel

/// Reads a file of this host as a whole, or appends to it.
///
/// The path is walked from the root, one name at a time, links included. What every name led to is held and checked by
/// its descriptor, and the file is opened once, through the descriptor that was checked: no name is looked up twice, so
/// nothing can be swapped in between. Anything but a regular file (a pipe, a device, a folder), and files that the
/// kernel provides (`/proc`), are not opened at all.
package struct HostFile: Sendable {
    /// Its content. A caller that reads a secret takes it from here and wipes it.
    package var bytes: [UInt8]
    /// The file, as it was opened.
    package let step: PathStep
    /// Every folder and link on the way to it, the root first.
    package let way: [PathStep]
    /// Whether a link led to it out of the folder in which it was looked for.
    package let isElsewhere: Bool

    /// Why a file could not be read.
    package enum Failure: Error, Hashable, Sendable {
        /// It is not a regular file.
        case notRegular
        /// The kernel provides it, as those of `/proc`.
        case ofKernel
        /// It is longer than this.
        case tooLong(limit: Int)
        /// `/proc` is not mounted, so nothing can be opened through a descriptor.
        case noProc
        /// The kernel's reason, an `errno`.
        case failed(Int32)

        /// Whether it, or a folder on the way to it, is not there.
        package var isMissing: Bool { self == .failed(ENOENT) || self == .failed(ENOTDIR) }
        /// Whether this process may not read it.
        package var isNotPermitted: Bool { self == .failed(EACCES) || self == .failed(EPERM) }
    }

    /// Reads the file at `path`, which must not be longer than `limit` bytes. A relative path starts at this process's
    /// working directory.
    package init(reading path: String, limit: Int) throws(Failure) {
        MayBlock.now("reading a file")
        var walk = try PathWalk(to: path)
        let file = try walk.findFile()
        way = walk.way
        step = file.step
        isElsewhere = file.isElsewhere
        bytes = try Self.read(file.held, limit: limit)
    }

    /// Every folder and link on the way to a folder, the root first and the folder last.
    package static func way(toFolder path: String) throws(Failure) -> [PathStep] {
        MayBlock.now("looking at a folder")
        var walk = try PathWalk(to: path)
        try walk.findFolder()
        return walk.way
    }

    /// Puts bytes behind those of the file at `path`, which is found as one that is read is. It is an error when not
    /// all of them got there.
    package static func append(_ bytes: [UInt8], to path: String) throws(Failure) {
        MayBlock.now("writing a file")
        var walk = try PathWalk(to: path)
        let found = try walk.findFile()
        let file = try open(found.held, O_WRONLY | O_APPEND)
        let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file.number, $0.baseAddress, $0.count) }
        guard count == bytes.count else { throw .failed(count < 0 ? errno : ENOSPC) }
    }

    /// The kernel follows this link to the very file that the descriptor holds, whatever the path means by now.
    private static func open(_ held: borrowing Descriptor, _ mode: CInt) throws(Failure) -> Descriptor {
        let opened = unsafe Glibc.open("/proc/self/fd/\(held.number)", mode | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard opened >= 0 else {
            let code = errno
            throw unsafe code == ENOENT && access("/proc/self/fd", F_OK) != 0 ? .noProc : .failed(code)
        }
        return Descriptor(opened)
    }

    private static func read(_ held: borrowing Descriptor, limit: Int) throws(Failure) -> [UInt8] {
        let file = try open(held, O_RDONLY)
        var status = stat()
        guard unsafe fstat(file.number, &status) == 0 else { throw .failed(errno) }
        do throws(DescriptorIO.ReadFailure) {
            return try DescriptorIO.read(file.number, limit: limit, size: Int(clamping: status.st_size))
        } catch {
            switch error {
            case .tooLong: throw .tooLong(limit: limit)
            case .failed(let code): throw .failed(code)
            }
        }
    }
}

/// A descriptor that is closed when it is not needed any more.
struct Descriptor: ~Copyable {
    let number: CInt

    init(_ number: CInt) {
        self.number = number
    }

    deinit { if number >= 0 { close(number) } }
}

/// Goes along a path as the kernel would, and notes what it passes.
private struct PathWalk: ~Copyable {
    /// A descriptor that only holds what it was opened for. Swift's view of glibc leaves `O_PATH` out.
    private static let hold = 0o10_000_000 | O_CLOEXEC | O_NOFOLLOW
    /// More links than this are a circle, to the kernel as well.
    private static let mostLinks = 40

    /// The file at the end.
    struct Found: ~Copyable {
        let held: Descriptor
        let step: PathStep
        let isElsewhere: Bool
    }

    /// What tells a folder from any other.
    private struct Identity: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    private(set) var way: [PathStep] = []
    /// The names that are still to be looked up, the next one last.
    private var names: [[UInt8]] = []
    /// How many of them do not come from a link; the last of those names the file.
    private var ownNames = 0
    private var links = 0
    private var here = Descriptor(-1)
    /// The folder that is held and those it is in, the root first.
    private var folders: [(identity: Identity, name: [UInt8])] = []
    /// The folder in which the file was looked for.
    private var home: Identity?

    init(to path: String) throws(HostFile.Failure) {
        var bytes = Array(path.utf8)
        if bytes.first != UInt8(ascii: "/") {
            guard let directory = unsafe getcwd(nil, 0) else { throw .failed(errno) }
            defer { unsafe free(directory) }
            bytes = unsafe Array(String(cString: directory).utf8) + [UInt8(ascii: "/")] + bytes
        }
        guard bytes.count < Int(PATH_MAX) else { throw .failed(ENAMETOOLONG) }
        guard !bytes.contains(0) else { throw .failed(ENOENT) }
        names = Self.names(in: bytes)
        ownNames = names.count
        here = unsafe Descriptor(open("/", Self.hold | O_DIRECTORY))
        try enterRoot()
    }

    /// Goes to the file at the end of the path.
    mutating func findFile() throws(HostFile.Failure) -> Found {
        while let name = nextName() {
            let isLast = names.isEmpty
            let found = try lookUp(name)
            let status = try Self.status(of: found)
            switch status.st_mode & S_IFMT {
            case S_IFLNK: try follow(found, name, status)
            case S_IFDIR: try enter(consume found, name)
            case S_IFREG:
                guard isLast else { throw .failed(ENOTDIR) }
                guard try !Self.isOfKernel(found) else { throw .ofKernel }
                let isElsewhere = !folders.contains { $0.identity == home }
                return Found(held: found, step: step(.file, status, name), isElsewhere: isElsewhere)
            default: throw isLast ? .notRegular : .failed(ENOTDIR)
            }
        }
        throw .notRegular
    }

    /// Goes to the folder at the end of the path.
    mutating func findFolder() throws(HostFile.Failure) {
        while let name = nextName() {
            let found = try lookUp(name)
            let status = try Self.status(of: found)
            switch status.st_mode & S_IFMT {
            case S_IFLNK: try follow(found, name, status)
            case S_IFDIR: try enter(consume found, name)
            default: throw .failed(ENOTDIR)
            }
        }
    }

    // MARK: Steps

    private mutating func nextName() -> [UInt8]? {
        guard let name = names.popLast() else { return nil }
        // Those of links lie above the path's own.
        if names.count < ownNames {
            ownNames = names.count
            if ownNames == 0 { home = folders.last?.identity }
        }
        return name
    }

    private func lookUp(_ name: [UInt8]) throws(HostFile.Failure) -> Descriptor {
        let number = unsafe openat(here.number, name.map { CChar(bitPattern: $0) } + [0], Self.hold)
        guard number >= 0 else { throw .failed(errno) }
        return Descriptor(number)
    }

    private mutating func follow(
        _ link: borrowing Descriptor,
        _ name: [UInt8],
        _ status: stat
    ) throws(HostFile.Failure) {
        links += 1
        guard links <= Self.mostLinks else { throw .failed(ELOOP) }
        way.append(step(.link, status, name))
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = unsafe readlinkat(link.number, "", &buffer, buffer.count)
        guard length > 0 else { throw .failed(length < 0 ? errno : ENOENT) }
        guard length < buffer.count else { throw .failed(ENAMETOOLONG) }
        let target = buffer[..<length].map { UInt8(bitPattern: $0) }
        if target[0] == UInt8(ascii: "/") {
            here = unsafe Descriptor(open("/", Self.hold | O_DIRECTORY))
            folders = []
            try enterRoot()
        }
        names += Self.names(in: target)
        guard names.count < Int(PATH_MAX) else { throw .failed(ENAMETOOLONG) }
    }

    private mutating func enter(_ folder: consuming Descriptor, _ name: [UInt8]) throws(HostFile.Failure) {
        let status = try Self.status(of: folder)
        here = folder
        if name == Array("..".utf8) {
            if folders.count > 1 { folders.removeLast() }
        } else {
            folders.append((Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino)), name))
        }
        way.append(step(.folder, status, nil))
    }

    private mutating func enterRoot() throws(HostFile.Failure) {
        guard here.number >= 0 else { throw .failed(errno) }
        let status = try Self.status(of: here)
        folders = [(Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino)), [])]
        way.append(step(.folder, status, nil))
    }

    /// A step to `name` in the folder that is held, or to that folder.
    private func step(_ kind: PathStep.Kind, _ status: stat, _ name: [UInt8]?) -> PathStep {
        let names = folders.dropFirst().map(\.name) + (name.map { [$0] } ?? [])
        return PathStep(
            kind,
            path: "/" + names.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/"),
            owner: status.st_uid,
            group: status.st_gid,
            mode: status.st_mode & 0o7777
        )
    }

    /// The names in a path, the first one last.
    private static func names(in path: [UInt8]) -> [[UInt8]] {
        path.split(separator: UInt8(ascii: "/")).filter { $0 != [UInt8(ascii: ".")] }.map { Array($0) }.reversed()
    }

    private static func status(of descriptor: borrowing Descriptor) throws(HostFile.Failure) -> stat {
        var status = stat()
        guard unsafe fstat(descriptor.number, &status) == 0 else { throw .failed(errno) }
        return status
    }

    private static func isOfKernel(_ descriptor: borrowing Descriptor) throws(HostFile.Failure) -> Bool {
        var system = statfs()
        guard unsafe fstatfs(descriptor.number, &system) == 0 else { throw .failed(errno) }
        // PROC_SUPER_MAGIC, SYSFS_MAGIC
        return [0x9FA0, 0x6265_6572].contains(Int(system.f_type))
    }
}

extension HostFile.Failure: CustomStringConvertible {
    /// The reason in words, to stand behind what could not be read.
    package var description: String {
        switch self {
        case .notRegular: "not a regular file"
        case .noProc: "/proc is not mounted, and no file can be read safely without it"
        case .ofKernel: "provided by the kernel, not a stored file"
        case .tooLong(let limit): "longer than \(limit) bytes"
        case .failed(let number): SystemError.reason(number)
        }
    }
}
