internal import Glibc
internal import Linux
internal import RstreamModel

/// A file that holds a token or a key, read at every connect so that replacing it needs no restart.
///
/// A file that other users can read is refused, unless systemd provides it, which sets the
/// permissions of a credentials directory. A group of this process may read what root owns.
enum SecretFile {
    /// In bytes; larger than any token or key.
    private static let largest = 64 * 1_024

    /// Reads a file that errors call `kind`.
    static func read(
        _ path: String,
        _ kind: String,
        isTrusted: Bool,
        limit: Int = largest
    ) throws(RstreamError) -> [UInt8] {
        let contents: FileContents
        do throws(FileContents.Failure) {
            contents = try FileContents(of: path, limit: limit)
        } catch {
            let what = "\(kind) file \"\(path)\" cannot be read: \(error)"
            let isAway = isTrusted && error.isMissing
            throw failed(what, fix: isAway ? Self.remedy(ofCredential: path) : error.fix(path, isSecret: true))
        }
        guard let exposure = contents.exposure, !isTrusted, !isInCredentialsDirectory(path) else {
            return contents.bytes
        }
        throw failed(
            "\(kind) file \"\(path)\" can be read by other users",
            fix: exposure.fix(path, owner: contents.owner, reader: .process)
        )
    }

    /// A token without white space around it. Errors show nothing of the contents: a wrong path may
    /// lead to another kind of secret.
    static func token(_ path: String, isTrusted: Bool) throws(RstreamError) -> Secret {
        // Room for an end of line.
        var bytes = try read(path, "token", isTrusted: isTrusted, limit: TokenText.longest + 16)
        defer { SecretMemory.wipe(&bytes) }
        do throws(TokenText.Problem) {
            return try TokenText.token(in: bytes)
        } catch {
            throw failed("token file \"\(path)\" \(error)", fix: "write the token there")
        }
    }

    /// What to do about a missing credential of systemd, which exists only while the unit runs.
    private static func remedy(ofCredential path: String) -> String {
        let name = path.split(byte: "/").last.map(String.init) ?? path
        return "systemd puts it there when the unit starts, if the unit has LoadCredential=\(name):FILE"
    }

    private static func isInCredentialsDirectory(_ path: String) -> Bool {
        guard let variable = getenv("CREDENTIALS_DIRECTORY") else { return false }
        let directory = String(cString: variable)
        return directory.startsWithBytes(of: "/") && path.startsWithBytes(of: directory + "/")
            && !path.split(byte: "/").contains { $0.sameBytes(as: "..") }
    }

    private static func failed(_ what: String, fix: String) -> RstreamError {
        RstreamError(code: .authRequired, origin: .host, retry: .afterBackoff, what: what, fix: fix)
    }
}
