internal import RstreamConfig
internal import RstreamModel

/// Reads a token at every connect, so that rotating it needs no restart (contract §3.2).
enum TokenFile {
    /// Larger than any token.
    private static let largest = 64 * 1_024

    /// The text without its trailing newline.
    ///
    /// A file that others than its owner can read is refused, unless systemd keeps it (`isCredential`).
    static func read(_ path: String, isCredential: Bool, files: any FileAccess) throws(RstreamError) -> Secret {
        let contents: FileContents
        do {
            contents = try files.read(path, limit: largest)
        } catch {
            throw RstreamError(
                code: .authRequired,
                origin: .host,
                retry: .afterBackoff,
                what: "token file \"\(path)\" cannot be read: \(error.reason)",
                fix: "write the token there, readable by the daemon's user"
            )
        }
        guard isCredential || contents.mode & 0o077 == 0 else {
            throw RstreamError(
                code: .authRequired,
                origin: .host,
                retry: .afterBackoff,
                what: "token file \"\(path)\" can be read by other users",
                fix: "chmod 600 \(path)"
            )
        }
        let token = String(decoding: contents.bytes, as: UTF8.self).trimmed
        guard !token.isEmpty else {
            throw RstreamError(
                code: .authRequired,
                origin: .host,
                retry: .afterBackoff,
                what: "token file \"\(path)\" is empty",
                fix: "write the token there"
            )
        }
        return Secret(token)
    }
}

extension FileAccessError {
    /// The failure in words, without the path.
    fileprivate var reason: String {
        switch self {
        case .missing: "there is no such file"
        case .notPermitted: "permission denied"
        case .tooLong(let limit): "it is longer than \(limit) bytes"
        case .failed(let reason): reason
        }
    }
}
