internal import Glibc
internal import RstreamModel

/// A file that holds a token or a key, read at every connect so that replacing it needs no restart.
///
/// One that other users can read holds no secret any more and is refused, unless systemd keeps it, whose business the
/// permissions of a credentials directory are.
enum SecretFile {
    /// Larger than any token or key.
    private static let largest = 64 * 1_024

    /// The bytes of a file that is called `kind` in errors.
    static func read(_ path: String, _ kind: String, isTrusted: Bool) throws(RstreamError) -> [UInt8] {
        let contents: FileContents
        do throws(FileContents.Failure) {
            contents = try FileContents(of: path, limit: largest)
        } catch {
            throw failed(
                "\(kind) file \"\(path)\" cannot be read: \(error)",
                fix: "check the path, and that this process may read it"
            )
        }
        guard isTrusted || !contents.isShared || isInCredentialsDirectory(path) else {
            throw failed("\(kind) file \"\(path)\" can be read by other users", fix: "chmod 600 \(path)")
        }
        return contents.bytes
    }

    /// A token without the white space around it.
    static func token(_ path: String, isTrusted: Bool) throws(RstreamError) -> Secret {
        let token = String(decoding: try read(path, "token", isTrusted: isTrusted), as: UTF8.self).trimmed
        guard !token.isEmpty else {
            throw failed("token file \"\(path)\" is empty", fix: "write the token there")
        }
        return Secret(token)
    }

    private static func isInCredentialsDirectory(_ path: String) -> Bool {
        guard let variable = getenv("CREDENTIALS_DIRECTORY") else { return false }
        let directory = String(cString: variable)
        return directory.hasPrefix("/") && path.hasPrefix(directory + "/") && !path.contains("/../")
    }

    private static func failed(_ what: String, fix: String) -> RstreamError {
        RstreamError(code: .authRequired, origin: .host, retry: .afterBackoff, what: what, fix: fix)
    }
}
