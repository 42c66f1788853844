internal import Glibc

/// The users and groups of this host, as far as they say who may write to a file.
package struct Accounts: Sendable {
    /// The number of a user; nil when there is none of that name.
    package let user: @Sendable (_ name: String) -> UInt32?
    /// The name of a user; nil when the number has none.
    package let nameOfUser: @Sendable (_ user: UInt32) -> String?
    /// The name of a group; nil when the number has none.
    package let nameOfGroup: @Sendable (_ group: UInt32) -> String?
    /// Whether a group is the private one of the user with the same number: it has the same name and no other members.
    package let isPrivate: @Sendable (_ group: UInt32) -> Bool

    /// Accounts that are made up, for tests.
    package init(
        user: @escaping @Sendable (String) -> UInt32?,
        nameOfUser: @escaping @Sendable (UInt32) -> String?,
        nameOfGroup: @escaping @Sendable (UInt32) -> String?,
        isPrivate: @escaping @Sendable (UInt32) -> Bool
    ) {
        self.user = user
        self.nameOfUser = nameOfUser
        self.nameOfGroup = nameOfGroup
        self.isPrivate = isPrivate
    }

    /// Those of this host.
    package static let host = Accounts(
        user: { name in Self.entry({ getpwnam_r(name, $0, $1, $2, $3) }, of: passwd()) { $0.pw_uid } },
        nameOfUser: { user in
            Self.entry({ getpwuid_r(user, $0, $1, $2, $3) }, of: passwd()) { String(cString: $0.pw_name) }
        },
        nameOfGroup: { group in
            Self.entry({ getgrgid_r(group, $0, $1, $2, $3) }, of: Glibc.group()) { String(cString: $0.gr_name) }
        },
        isPrivate: { group in
            let owner = Self.entry({ getpwuid_r(group, $0, $1, $2, $3) }, of: passwd()) { String(cString: $0.pw_name) }
            guard let owner else { return false }
            return Self.entry({ getgrgid_r(group, $0, $1, $2, $3) }, of: Glibc.group()) { entry in
                Array(String(cString: entry.gr_name).utf8) == Array(owner.utf8)
                    && Self.members(of: entry).allSatisfy { $0 == Array(owner.utf8) }
            } ?? false
        }
    )

    /// The numbers of a user and of its first group; nil when there is none of that name.
    package func identity(_ name: String) -> (user: UInt32, group: UInt32)? {
        let find: Find<passwd> = { getpwnam_r(name, $0, $1, $2, $3) }
        return Self.entry(find, of: passwd()) { ($0.pw_uid, $0.pw_gid) }
    }

    /// The number of a group; nil when there is none of that name.
    package static func group(_ name: String) -> UInt32? {
        let find: Find<Glibc.group> = { getgrnam_r(name, $0, $1, $2, $3) }
        return entry(find, of: Glibc.group()) { $0.gr_gid }
    }

    /// The groups that a user is a member of, `primary` among them.
    package static func groups(of user: UInt32, primary: UInt32) -> Set<UInt32> {
        guard let name = host.nameOfUser(user) else { return [primary] }
        var count = CInt(64)
        while count <= 65_536 {
            var groups = [gid_t](repeating: 0, count: Int(count))
            if getgrouplist(name, primary, &groups, &count) >= 0 { return Set(groups.prefix(Int(count))) }
            count = max(count, CInt(groups.count) * 2)
        }
        return [primary]
    }

    private static func members(of group: group) -> [[UInt8]] {
        guard var next = group.gr_mem else { return [] }
        var members: [[UInt8]] = []
        while let member = next.pointee {
            members.append(Array(String(cString: member).utf8))
            next += 1
        }
        return members
    }

    private typealias Find<Entry> = (
        UnsafeMutablePointer<Entry>, UnsafeMutablePointer<CChar>, Int,
        UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>
    ) -> CInt

    /// What `read` takes from the entry that `find` finds, with as much room as its texts need.
    private static func entry<Entry, Value>(
        _ find: Find<Entry>,
        of empty: Entry,
        _ read: (Entry) -> Value
    ) -> Value? {
        MayBlock.now("a look-up of a user or group")
        var size = 4_096
        while size <= 1 << 22 {
            var entry = empty
            var found: UnsafeMutablePointer<Entry>?
            var value: Value?
            let result = withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { buffer -> CInt in
                guard let base = buffer.baseAddress else { return ENOMEM }
                let result = find(&entry, base, size, &found)
                if result == 0, found != nil { value = read(entry) }
                return result
            }
            guard result == ERANGE else { return value }
            size *= 4
        }
        return nil
    }
}
