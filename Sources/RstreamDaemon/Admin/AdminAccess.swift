// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamConfig
internal import Synchronization

/// What a client of the admin API may do.
enum AdminRights: Hashable, Sendable, CaseIterable {
    /// Nothing: it could connect, because the socket's file is open to two groups, and is in neither.
    case none
    /// Calls that change nothing.
    case read
    /// Every call.
    case change
    /// Every call, and the reserved places: root and the daemon's own user.
    case owner

    var mayRead: Bool { self != .none }
    var mayChange: Bool { self == .change || self == .owner }
}

/// Decides what a client of the admin socket may do, by the credentials that the kernel noted when it connected.
///
/// A file has one group. Without `admin.readGroup` the socket's mode and group decide who connects, and a client may do
/// everything. With it, any user may connect, and the daemon does what the kernel did before: `admin.group` and
/// `admin.mode` say who may change something.
struct AdminAccess: Hashable, Sendable {
    /// The group of the socket, with the permissions that `admin.mode` gives it and all others.
    private let group: UInt32
    private let mode: UInt32
    /// The group that may read; nil where the socket's file decides who connects.
    private let readGroup: UInt32?
    /// The group that may change something by its name, for messages; nil where this host does not have it.
    private var groupName: String?

    /// Whether this host does not have the group that may change something.
    var isGroupUnknown: Bool { groupName == nil }
    /// Whether ``readGroup`` names a group that this host does not have: it is ignored then.
    let isReadGroupUnknown: Bool

    /// Permission to connect to a socket, for its group and for others.
    private static let (groupWrites, othersWrite): (UInt32, UInt32) = (0o020, 0o002)

    /// Looks the groups up, which a directory service may know: for `BlockingThreads.accounts`.
    init(_ settings: AdminSettings) {
        let group = Accounts.group(settings.group)
        self.init(
            settings,
            group: group ?? Peer.ownGroup,
            readGroup: settings.readGroup.flatMap { Accounts.group($0) }
        )
        if group == nil { groupName = nil }
    }

    init(_ settings: AdminSettings, group: UInt32, readGroup: UInt32?) {
        self.group = group
        self.readGroup = readGroup
        mode = settings.mode
        groupName = settings.group
        isReadGroupUnknown = settings.readGroup != nil && readGroup == nil
    }

    /// Whether the daemon decides who may do what, and not the socket's file.
    var isChecked: Bool { readGroup != nil }

    /// The permissions of the socket's file.
    var socketMode: UInt32 { isChecked ? 0o666 : mode }

    /// The rights of a client of a socket. One that any user can connect to is checked also after a reload that has
    /// removed the reason for it: its clients are still there.
    func rights(of peer: Peer, onSocketOpenToAll isOpenToAll: Bool) -> AdminRights {
        if peer.isTrusted { return .owner }
        guard isChecked || isOpenToAll else { return .change }
        if mode & Self.othersWrite != 0 { return .change }
        if mode & Self.groupWrites != 0, peer.isMember(of: group) { return .change }
        return readGroup.map(peer.isMember) == true ? .read : .none
    }

    /// Why a client gets no answer to a call, and what to do.
    func refusal(of peer: Peer, mayRead: Bool) -> String {
        var fix = "use sudo"
        // A member of the group root may do more than this.
        if let groupName, group != 0, mode & Self.groupWrites != 0 { fix += ", or join the group \(groupName)" }
        return mayRead
            ? "user \(peer.user) may read and change nothing, as a member of admin.readGroup; \(fix)"
            : "user \(peer.user) is in neither admin.group nor admin.readGroup; \(fix)"
    }
}

/// The ``AdminAccess`` in force, which a reload may change; guarded by a mutex.
final class AdminAccessRules: Sendable {
    private struct State {
        /// As for settings without `admin.readGroup`.
        var access = AdminAccess(AdminSettings(), group: Peer.ownGroup, readGroup: nil)
        /// The settings that it was made from; nil before the first.
        var settings: AdminSettings?
    }

    private let state = Lock(State())

    var access: AdminAccess { state.withLock(\.access) }

    func set(_ access: AdminAccess, from settings: AdminSettings) {
        state.withLock { $0 = State(access: access, settings: settings) }
    }

    /// What these settings mean. The groups are looked up again only where they matter, because a directory service may
    /// not answer.
    func access(for settings: AdminSettings) async -> AdminAccess {
        let before = state.withLock { $0 }
        if settings.readGroup == nil, before.settings == settings { return before.access }
        return await BlockingThreads.accounts.run { AdminAccess(settings) }
    }

    /// The rights of clients of one socket.
    func rights(onSocketOpenToAll isOpenToAll: Bool) -> HTTPListener.Rights {
        { [self] peer in access.rights(of: peer, onSocketOpenToAll: isOpenToAll) }
    }
}
