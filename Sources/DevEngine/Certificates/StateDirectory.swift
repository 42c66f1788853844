import FoundationEssentials
import Glibc

/// The folder that keeps what must survive a restart: the certificate authority and a generated token.
struct StateDirectory {
    let path: String

    /// Makes the folder, for its owner only, unless it is there.
    init(path: String) throws(StartFailure) {
        self.path = path
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            var isFolder = false
            let isFile = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder
            throw isFile ? StartFailure(.state, path, ENOTDIR) : StartFailure(.state, path, error)
        }
    }

    /// Where an engine that was given no folder keeps its state: one per user, below the temporary folder.
    static var defaultPath: String {
        let temporary = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        return "\(temporary)/rstream-dev-engine-\(geteuid())"
    }

    func path(of name: String) -> String { "\(path)/\(name)" }

    /// Nil when the file is not there or not text.
    func read(_ name: String) -> String? {
        guard let data = try? Data(contentsOf: URL(filePath: path(of: name))) else { return nil }
        return String(bytes: data, encoding: .utf8)
    }

    /// Replaces a file in one step. Nobody else can read a private one, at any moment.
    func write(_ text: String, to name: String, isPrivate: Bool = false) throws(StartFailure) {
        let temporary = path(of: ".\(name).\(getpid())")
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, isPrivate ? 0o600 : 0o644)
        guard descriptor >= 0 else { throw StartFailure(.state, temporary, errno) }
        let written = Array(text.utf8).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        let failure = errno
        close(descriptor)
        guard written == text.utf8.count else { throw StartFailure(.state, temporary, failure) }
        guard rename(temporary, path(of: name)) == 0 else { throw StartFailure(.state, path(of: name), errno) }
    }
}
