// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Linux
import RstreamSocket

/// The folder that keeps what must survive a restart: the certificate authority and a generated token.
///
/// Clients trust what is in it: a folder or a file that belongs to another user, or that other users can write to, is
/// refused. The folder is held by a descriptor, so the checked folder is used even if its path changes meanwhile.
final class StateDirectory: Sendable {
    let path: String
    private let descriptor: CInt
    /// Made for this engine, and removed with it.
    private let isTemporary: Bool

    /// Makes the folder, for its owner only, unless it exists.
    convenience init(path: String) throws(StartFailure) {
        // A slash at the end would have the kernel follow a link.
        var path = path
        while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") { path.unicodeScalars.removeLast() }
        try Self.make(path)
        try self.init(checking: path, isTemporary: false)
    }

    /// The folder of an engine that was given none: in the user's runtime folder, where every start finds it again, or a
    /// new one with an unpredictable name in the temporary folder.
    static func chosen(environment: [String: String]) throws(StartFailure) -> StateDirectory {
        if let runtime = environment["XDG_RUNTIME_DIR"], runtime.utf8.first == UInt8(ascii: "/"), isTrusted(runtime) {
            return try StateDirectory(path: "\(runtime)/rstream-dev-engine")
        }
        let temporary = environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var template = Array("\(temporary)/rstream-dev-engine-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw StartFailure(.state, temporary, errno) }
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        return try StateDirectory(checking: path, isTemporary: true)
    }

    private init(checking path: String, isTemporary: Bool) throws(StartFailure) {
        self.path = path
        self.isTemporary = isTemporary
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            let failure = errno
            let isLink = FileStatus(path)?.kind == .link
            throw isLink ? StartFailure(.state, path, .link) : StartFailure(.state, path, failure)
        }
        // From here on `deinit` closes it, also when one of these throws.
        guard let status = FileStatus(of: descriptor) else { throw StartFailure(.state, path, errno) }
        guard status.owner == geteuid() else { throw StartFailure(.state, path, .otherOwner) }
        guard !status.isWritableByOthers else { throw StartFailure(.state, path, .writable) }
    }

    deinit {
        close(descriptor)
    }

    /// Removes a folder that was made for this engine.
    func discard() {
        guard isTemporary else { return }
        for name in Self.names { unlinkat(descriptor, name, 0) }
        rmdir(path)
    }

    static let certificate = "ca.pem"
    static let key = "ca.key"
    static let token = "token"
    private static let names = [certificate, key, token]

    func path(of name: String) -> String { "\(path)/\(name)" }

    /// Nil when the file does not exist. A file that another user wrote or could have written is an error and is not
    /// replaced: the operator should find out how it got there.
    func read(_ name: String, isPrivate: Bool = false) throws(StartFailure) -> String? {
        do throws(TrustedFile.Failure) {
            return String(
                validating: try TrustedFile.read(name, in: descriptor, isPrivate ? [.secret] : []),
                as: UTF8.self
            )
        } catch .errno(ENOENT) {
            return nil
        } catch {
            throw StartFailure(.state, path(of: name), error)
        }
    }

    /// Replaces a file atomically. A private one is never readable by other users. The new file gets an unpredictable name
    /// and is created exclusively, so no existing file is opened.
    func write(
        _ text: String,
        to name: String,
        isPrivate: Bool = false,
        suffix: String = Identifiers.hex(digits: 16)
    ) throws(StartFailure) {
        let new = ".\(name).\(suffix)"
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = openat(descriptor, new, flags, isPrivate ? 0o600 : 0o644)
        guard file >= 0 else { throw StartFailure(.state, path(of: new), errno) }
        let code: CInt
        do throws(SystemError) {
            defer { close(file) }
            try DescriptorIO.write(text, to: file)
            if renameat(descriptor, new, descriptor, name) == 0 { return }
            code = errno
        } catch {
            code = error.code
        }
        unlinkat(descriptor, new, 0)
        throw StartFailure(.state, path(of: name), code)
    }

    /// Makes the folder, and those above it that are not there.
    private static func make(_ path: String) throws(StartFailure) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        let failure = errno
        guard failure == ENOENT, let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex else {
            throw StartFailure(.state, path, failure)
        }
        try make(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw StartFailure(.state, path, errno) }
    }

    /// Whether this is a folder of this user that no other user can write to.
    private static func isTrusted(_ path: String) -> Bool {
        guard let status = FileStatus(path) else { return false }
        return status.kind == .directory && status.owner == geteuid() && !status.isWritableByOthers
    }
}
