// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import RstreamModel

/// Reads a file that holds a token or a private key. It is read at every connect, so replacing it needs no restart.
///
/// A file that other users can read is refused. Exceptions are systemd credentials, whose permissions systemd manages,
/// and files of root that a group of this process may read.
enum SecretFile {
    /// In bytes; larger than any token or key.
    private static let largest = 64 * 1_024

    /// In bytes; devices take less.
    private static let longestPIN = 255

    /// Reads a file; `kind` names it in errors. A file that `isTrusted` may be readable by others.
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

    /// Reads a token, without white space around it. Errors do not show the contents: a wrong path may lead to another
    /// kind of secret.
    static func token(_ path: String, isTrusted: Bool) throws(RstreamError) -> Secret {
        // Leaves room for the end of the line.
        var bytes = try read(path, "token", isTrusted: isTrusted, limit: TokenText.longest + 16)
        defer { SecretMemory.wipe(&bytes) }
        do throws(TokenText.Problem) {
            return try TokenText.token(in: bytes)
        } catch {
            throw failed("token file \"\(path)\" \(error)", fix: "write the token to it")
        }
    }

    /// Reads the PIN of a device, without white space around it. Errors do not show it.
    static func pin(_ path: String) throws(RstreamError) -> Secret {
        var bytes = try read(path, "PIN", isTrusted: false)
        defer { SecretMemory.wipe(&bytes) }
        let pin = bytes.withUnsafeBytes { Secret(bytes: $0) }.trimmed
        let isOneLine = pin.withBytes { $0.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }
        guard (1...longestPIN).contains(pin.count), isOneLine else {
            throw failed(
                "PIN file \"\(path)\" does not contain a PIN",
                fix: "write it there, on one line of \(longestPIN) bytes at most"
            )
        }
        return pin
    }

    /// What to do about a missing systemd credential, which exists only while the unit runs.
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
