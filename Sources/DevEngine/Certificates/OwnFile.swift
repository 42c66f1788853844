import Glibc
import Linux
import RstreamSocket

/// Reads a file that proves or opens something: what another user wrote, or could have written, does neither.
///
/// What is judged is what is read: the file is opened once, and a pipe or a device in its place is not waited for.
enum OwnFile {
    /// Why a file is not read.
    enum Failure: Error, Hashable {
        /// The kernel's reason.
        case errno(CInt)
        case link
        case notRegular
        case foreign
        case writable
        case readable
        case tooLong
    }

    /// What a file must be, beside this user's own, regular, and writable by nobody else.
    struct Rule: OptionSet {
        let rawValue: Int

        /// Its name may be a link, and it may be root's: the user who named it vouches for the way to it.
        static let named = Rule(rawValue: 1)
        /// Nobody else may read it.
        static let secret = Rule(rawValue: 2)
    }

    /// Larger than every key, certificate chain and token.
    static let largest = 1 << 20

    /// The bytes of the file that `path` means from `directory` on.
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
        guard status.owner == geteuid() || rule.contains(.named) && status.owner == 0 else { throw .foreign }
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
    init(_ need: Need, _ what: String, _ failure: OwnFile.Failure) {
        switch failure {
        case .errno(let code): self.init(need, what, code)
        case .link: self.init(need, what, "it is a link")
        case .notRegular: self.init(need, what, "it is not a regular file")
        case .foreign: self.init(need, what, "it belongs to another user")
        case .writable: self.init(need, what, "others can write to it; chmod go-w \(what)")
        case .readable: self.init(need, what, "others can read it; chmod 600 \(what)")
        case .tooLong: self.init(need, what, "it is longer than \(OwnFile.largest) bytes")
        }
    }
}
