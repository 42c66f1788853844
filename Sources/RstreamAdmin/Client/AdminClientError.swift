// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import RstreamModel

/// Why a call to the daemon has no good answer.
package enum AdminClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No process listens there: no daemon runs, or one without an admin socket.
    case absent(socket: String, reason: String)
    /// The connection broke, or could not be made.
    case notReachable(socket: String, reason: String)
    /// This user may not open the socket.
    case notPermitted(socket: String)
    /// The connection was accepted, and nothing came for this long.
    case silent(socket: String, after: Duration)
    /// The connection ended in the middle of an answer.
    case cutShort(socket: String, bytes: Int)
    /// This daemon has no such call; `version` is its own.
    case unknownCall(String, version: String?)
    /// The daemon refused the call.
    case problem(Problem)
    /// What came back is no answer of the admin API.
    case badReply(String)

    package var description: String {
        switch self {
        case .absent(let socket, let reason), .notReachable(let socket, let reason):
            "no daemon answers at \(socket): \(reason)"
        case .notPermitted(let socket): "\(socket) may not be opened by this user"
        case .silent(let socket, let limit): "the daemon at \(socket) has said nothing for \(limit.secondsText)"
        case .cutShort(let socket, let bytes):
            "the daemon at \(socket) ended the connection in the middle of its answer, after \(bytes) bytes of it"
        case .unknownCall(let call, let version):
            "rstreamd\(version.map { " \($0)" } ?? "") does not know \(call); rstreamd \(rstreamVersion) has it"
        case .problem(let problem): problem.detail
        case .badReply(let what): "the daemon's answer cannot be read: \(what)"
        }
    }
}

/// How a user who may not open the admin socket gets access to it.
package enum SocketAccess {
    /// What to do, in a line; general advice where the socket cannot be looked at.
    package static func fix(socket path: String) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { return "use sudo, or become a member of the socket's group" }
        return fix(mode: status.st_mode, group: Accounts.host.nameOfGroup(status.st_gid))
    }

    static func fix(mode: UInt32, group: String?) -> String {
        guard mode & 0o060 == 0o060, let group, group != "root" else {
            return "use sudo: no group may open the socket (admin.group and admin.mode give it to one)"
        }
        return "use sudo, or join the group \(group): sudo usermod -aG \(group) \"$USER\", and log in again"
    }
}
