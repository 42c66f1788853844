// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Linux
import RstreamSocket

/// Reads a credential file, and refuses one that another user owns or can write to.
///
/// The checks apply to what is read: the file is opened once. A pipe or a device in its place does not block.
enum TrustedFile {
    /// Why a file is not read.
    enum Failure: Error, Hashable {
        /// The kernel's reason.
        case errno(CInt)
        case link
        case notRegular
        case otherOwner
        case writable
        case readable
        case tooLong
    }

    /// Exceptions and additions: a file must be regular, belong to this user, and be writable by no other user.
    struct Rule: OptionSet {
        let rawValue: Int

        /// Its name may be a link, and it may belong to root: the user named it explicitly.
        static let named = Rule(rawValue: 1)
        /// No other user may read it.
        static let secret = Rule(rawValue: 2)
    }

    /// Larger than every key, certificate chain and token.
    static let largest = 1 << 20

    /// The bytes of the file at `path`, relative to `directory`.
    static func read(_ path: String, in directory: CInt = AT_FDCWD, _ rule: Rule) throws(Failure) -> [UInt8] {
        let flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (rule.contains(.named) ? 0 : O_NOFOLLOW)
        let file = openat(directory, path, flags)
        guard file >= 0 else { throw errno == ELOOP && !rule.contains(.named) ? .link : .errno(errno) }
        defer { close(file) }
        guard let status = FileStatus(of: file) else { throw .errno(errno) }
        switch status.kind {
        case .regular: break
        case .directory: throw .errno(EISDIR)
        case .link, .socket, .other: throw .notRegular
        }
        guard status.owner == geteuid() || rule.contains(.named) && status.owner == 0 else { throw .otherOwner }
        guard !status.isWritableByOthers else { throw .writable }
        guard !rule.contains(.secret) || status.permissions & 0o077 == 0 else { throw .readable }
        do throws(DescriptorIO.ReadFailure) {
            return try DescriptorIO.read(file, limit: largest)
        } catch {
            switch error {
            case .tooLong: throw .tooLong
            case .failed(let code): throw .errno(code)
            }
        }
    }
}

extension StartFailure {
    init(_ option: Option, _ what: String, _ failure: TrustedFile.Failure) {
        switch failure {
        case .errno(let code): self.init(option, what, code)
        case .link: self.init(option, what, "it is a link")
        case .notRegular: self.init(option, what, "it is not a regular file")
        case .otherOwner: self.init(option, what, "it belongs to another user")
        case .writable: self.init(option, what, "others can write to it; chmod go-w \(what)")
        case .readable: self.init(option, what, "others can read it; chmod 600 \(what)")
        case .tooLong: self.init(option, what, "it is longer than \(TrustedFile.largest) bytes")
        }
    }
}
