// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import RstreamModel
internal import RstreamSocket
internal import Synchronization

/// The listening sockets of a predecessor, until whatever is configured at their addresses takes them.
///
/// Nothing is accepted on them before the predecessor has given them up: until then ``waitUntilOurs()`` waits. Guarded
/// by a mutex.
final class SocketInheritance: Sendable {
    private struct State {
        /// Nil while the predecessor serves; false when it goes on to serve.
        var isOurs: Bool?
        var sockets: [SocketLabel: [CInt]]
        var waiters: [CheckedContinuation<Bool, Never>] = []
    }

    private let state: Lock<State>

    init(_ sockets: [SocketLabel: [CInt]] = [:]) { state = Lock(State(sockets: sockets)) }

    deinit {
        for sockets in state.withLock({ $0.sockets.values }) { InheritedListener(sockets: sockets, file: nil).close() }
    }

    /// Waits until the sockets may be used. False when they stay the predecessor's.
    func waitUntilOurs() async -> Bool {
        await withCheckedContinuation { continuation in
            let known = state.withLock { state in
                if state.isOurs == nil { state.waiters.append(continuation) }
                return state.isOurs
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    /// The predecessor has given the sockets up, or it has not and goes on.
    func decide(isOurs: Bool) {
        let waiters = state.withLock { state in
            guard state.isOurs == nil else { return [CheckedContinuation<Bool, Never>]() }
            state.isOurs = isOurs
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: isOurs) }
    }

    /// Whether there is a socket for the address.
    func contains(_ role: SocketLabel.Role, _ address: String) -> Bool {
        state.withLock { state in state.sockets.keys.contains { $0.role == role && $0.address == address } }
    }

    /// The file of the socket for the address, until that is taken.
    func file(_ role: SocketLabel.Role, _ address: String?) -> FileStatus.Identity? {
        state.withLock { state in
            state.sockets.keys.first { $0.role == role && $0.address == address }?.file?.identity
        }
    }

    /// The sockets for the address, which belong to the caller from now on; nil when there are none, or when the file of
    /// a Unix socket is another one by now.
    func take(_ role: SocketLabel.Role, _ address: String) async -> InheritedListener? {
        guard let (label, sockets) = remove({ $0.role == role && $0.address == address }) else { return nil }
        let file = await Self.file(of: label)
        guard label.file == nil || file != nil else {
            InheritedListener(sockets: sockets, file: nil).close()
            return nil
        }
        return InheritedListener(sockets: sockets, file: file)
    }

    /// The sockets of a role that nothing has taken, which belong to the caller from now on; nil when there are none. They
    /// come without their file when that is another one by now.
    func takeRest(_ role: SocketLabel.Role) async -> InheritedListener? {
        guard let (label, sockets) = remove({ $0.role == role }) else { return nil }
        return InheritedListener(sockets: sockets, file: await Self.file(of: label))
    }

    private func remove(_ isWanted: @Sendable (SocketLabel) -> Bool) -> (SocketLabel, [CInt])? {
        state.withLock { state in
            guard let label = state.sockets.keys.first(where: isWanted),
                let sockets = state.sockets.removeValue(forKey: label)
            else {
                return nil
            }
            return (label, sockets)
        }
    }

    /// Nil where the sockets have none, or it is another one by now.
    private static func file(of label: SocketLabel) async -> SocketFile? {
        guard let identity = label.file?.identity else { return nil }
        return await BlockingThreads.sockets.run { try? SocketFile.adopt(path: path(label.address), identity) }
    }

    /// Keeps tunnels from leading to the predecessor's admin sockets, which may not be configured here.
    func reserveAdminSockets(in reserved: ReservedSockets) -> [ReservedSockets.Reservation] {
        state.withLock(\.sockets).flatMap { label, sockets -> [ReservedSockets.Reservation] in
            switch label.role {
            case .admin: label.file.map { [reserved.reserve($0.identity)] } ?? []
            case .systemd: sockets.compactMap { reserved.reserve(bound: $0) }
            case .metrics, .page, .listener: []
            }
        }
    }

    /// Whether systemd has opened the admin sockets.
    var hasSystemd: Bool { state.withLock { $0.sockets.keys.contains { $0.role == .systemd } } }

    /// Sockets that systemd has passed to this process. The predecessor's are the same ones, where it has any.
    func add(systemd sockets: [CInt]) {
        guard !sockets.isEmpty else { return }
        let isKnown = state.withLock { state in
            if state.sockets.keys.contains(where: { $0.role == .systemd }) { return true }
            state.sockets[SocketLabel(.systemd, "0", nil)] = sockets
            return false
        }
        if isKnown { InheritedListener(sockets: sockets, file: nil).close() }
    }

    /// Sockets that systemd has opened, which belong to the caller.
    func takeSystemd() -> [CInt] {
        state.withLock { state in
            let labels = state.sockets.keys.filter { $0.role == .systemd }
            return labels.flatMap { state.sockets.removeValue(forKey: $0) ?? [] }
        }
    }

    /// Closes what nothing is configured for any more, and removes its files. Connections that wait in the kernel end with
    /// it, as they do when a reload removes a listener; those to the admin socket are answered before (``takeRest(_:)``).
    func discardRest() async {
        let rest = state.withLock { state in
            defer { state.sockets = [:] }
            return state.sockets
        }
        for (label, sockets) in rest {
            InheritedListener(sockets: sockets, file: nil).close()
            guard let file = await Self.file(of: label) else { continue }
            await BlockingThreads.sockets.run { file.remove() }
        }
    }

    /// Addresses of Unix sockets are written `unix:/path`, that of the admin socket `/path`.
    private static func path(_ address: String) -> String {
        address.startsWithBytes(of: "unix:") ? String(address.utf8.dropFirst(5)) ?? address : address
    }
}

extension SocketLabel.File {
    fileprivate var identity: FileStatus.Identity {
        FileStatus.Identity(device: UInt(device), node: UInt(node))
    }
}
