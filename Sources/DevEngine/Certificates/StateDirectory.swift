import Glibc
import Linux
import RstreamSocket

/// The folder that keeps what must survive a restart: the certificate authority and a generated token.
///
/// Clients trust what is in it, so it must be this user's alone: one that belongs to another user or that others can
/// write to is refused, and so is such a file in it. It is held by a descriptor, so that what was judged is what is used
/// whatever its path means by then.
final class StateDirectory: Sendable {
    let path: String
    private let descriptor: CInt
    /// Made for this engine alone, and gone with it.
    private let isTemporary: Bool

    /// Makes the folder, for its owner only, unless it is there.
    convenience init(path: String) throws(StartFailure) {
        // A slash at the end would have the kernel follow a link.
        var path = path
        while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") { path.unicodeScalars.removeLast() }
        try Self.make(path)
        try self.init(judging: path, isTemporary: false)
    }

    /// Where an engine that was given no folder keeps its state: in the user's runtime folder, where every start finds
    /// it again, or in one of its own below the temporary folder. The latter's name cannot be known before.
    static func chosen(environment: [String: String]) throws(StartFailure) -> StateDirectory {
        if let runtime = environment["XDG_RUNTIME_DIR"], runtime.utf8.first == UInt8(ascii: "/"), isOwn(runtime) {
            return try StateDirectory(path: "\(runtime)/rstream-dev-engine")
        }
        let temporary = environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var template = Array("\(temporary)/rstream-dev-engine-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw StartFailure(.state, temporary, errno) }
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        return try StateDirectory(judging: path, isTemporary: true)
    }

    private init(judging path: String, isTemporary: Bool) throws(StartFailure) {
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
        guard status.owner == geteuid() else { throw StartFailure(.state, path, .foreign) }
        guard !status.isWritableByOthers else { throw StartFailure(.state, path, .writable) }
    }

    deinit {
        close(descriptor)
    }

    /// Leaves nothing behind of a folder that was made for this engine alone.
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

    /// Nil when the file is not there. One that another user wrote or could have written is an error and not replaced:
    /// whoever put it there has to be found first.
    func read(_ name: String, isPrivate: Bool = false) throws(StartFailure) -> String? {
        do throws(OwnFile.Failure) {
            return String(validating: try OwnFile.read(name, in: descriptor, isPrivate ? [.secret] : []), as: UTF8.self)
        } catch .errno(ENOENT) {
            return nil
        } catch {
            throw StartFailure(.state, path(of: name), error)
        }
    }

    /// Replaces a file in one step. Nobody else can read a private one, at any moment. It is made under a name that is not
    /// known before, and also where somebody knew it, nothing that is there is opened.
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

    /// Whether this is a folder of this user, and nobody else can write to it.
    private static func isOwn(_ path: String) -> Bool {
        guard let status = FileStatus(path) else { return false }
        return status.kind == .directory && status.owner == geteuid() && !status.isWritableByOthers
    }
}
