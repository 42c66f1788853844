internal import Glibc

/// Whose Unix sockets may be upstreams (contract §3.3).
///
/// The daemon may connect to sockets that whoever wrote a tunnel file may not; without this rule a tunnel file would be
/// a way around file permissions. A socket in the file system belongs to the owner of its file, an abstract one to the
/// user whose process listens.
package struct UnixSocketRule: Hashable, Sendable {
    private let owners: Set<UInt32>
    private let directories: [String]

    /// Permits sockets of `owners`, and every socket directly in one of `directories`, given as absolute paths.
    package init(owners: Set<UInt32>, directories: [String]) {
        self.owners = owners
        self.directories = directories.map { $0.count > 1 && $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
    }

    /// Permits sockets of root, of this process's user and of the members of `group`, if there is such a group.
    package init(group: String, directories: [String]) {
        self.init(owners: Self.members(of: group).union([0, geteuid()]), directories: directories)
    }

    func permits(owner: UInt32) -> Bool {
        owners.contains(owner)
    }

    /// Whether whatever socket is at `path` is permitted, because its directory is listed.
    func lists(_ path: String) -> Bool {
        guard let slash = path.lastIndex(of: "/"), !path.split(separator: "/").contains("..") else { return false }
        return directories.contains(slash == path.startIndex ? "/" : String(path[..<slash]))
    }

    private static func members(of name: String) -> Set<UInt32> {
        var entry = group()
        var found: UnsafeMutablePointer<group>?
        var buffer = [CChar](repeating: 0, count: 65_536)
        guard getgrnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil, let names = entry.gr_mem
        else {
            return []
        }
        var members: Set<UInt32> = []
        var next = names
        while let member = next.pointee {
            var user = passwd()
            var foundUser: UnsafeMutablePointer<passwd>?
            var userBuffer = [CChar](repeating: 0, count: 16_384)
            if getpwnam_r(member, &user, &userBuffer, userBuffer.count, &foundUser) == 0, foundUser != nil {
                members.insert(user.pw_uid)
            }
            next += 1
        }
        return members
    }
}
