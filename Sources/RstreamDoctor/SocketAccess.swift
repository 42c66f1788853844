internal import Glibc
internal import Linux

/// What lets a user ask the daemon who may not open its socket.
package enum SocketAccess {
    /// What to do; where nothing is known of the socket, in general.
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
