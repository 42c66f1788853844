// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamConfig
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay
internal import RstreamSocket
internal import Synchronization

/// Binding the sockets of the admin API.
extension AdminListeners {
    func listen(
        _ settings: AdminSettings,
        _ access: AdminAccess,
        answer: @escaping HTTPConnection.Answer
    ) async throws(RstreamError) -> HTTPListener {
        let owner = await BlockingThreads.accounts.run { SocketGroup(named: settings.group) }
        switch owner {
        case .usable: break
        // The daemon itself looks at the groups of clients.
        case .foreign where access.isChecked: break
        case .unknown:
            logger.warning(
                "admin socket group not found",
                metadata: ["group": "\(settings.group)", LogKey.fix: "create the group, or set admin.group"]
            )
        case .foreign:
            logger.warning(
                "daemon not in admin socket group",
                metadata: [
                    "group": "\(settings.group)", LogKey.fix: "add the daemon's user to the group, or set admin.group",
                ]
            )
        }
        let rights = rules.rights(onSocketOpenToAll: access.isChecked)
        if let inherited = await state.withLock(\.handedOver)?.take(.admin, settings.socket) {
            return try await adopt(
                inherited,
                settings,
                mode: access.socketMode,
                group: owner.id,
                rights,
                answer: answer
            )
        }
        let binding = HTTPListener.Binding.file(path: settings.socket, mode: access.socketMode, group: owner.id)
        return try await listen(at: binding, .admin(settings), rights: rights, answer: answer)
    }

    /// Listens on the socket of a predecessor, with the rights that are configured now.
    private func adopt(
        _ inherited: InheritedListener,
        _ settings: AdminSettings,
        mode: UInt32,
        group: UInt32?,
        _ rights: @escaping HTTPListener.Rights,
        answer: @escaping HTTPConnection.Answer
    ) async throws(RstreamError) -> HTTPListener {
        let setting = ListenSetting.admin(settings)
        let listener = try await listen(at: .handedOver(inherited, host: nil), setting, rights: rights, answer: answer)
        do throws(RstreamError) {
            try await setting.explaining { () async throws(SocketFile.Failure) in
                try await BlockingThreads.sockets.tryRun { () throws(SocketFile.Failure) in
                    try inherited.file?.change(mode: mode, group: group)
                }
            }
        } catch {
            await listener.discard()
            throw error
        }
        return listener
    }

    func listen(
        _ port: AdminPort,
        at address: ListenAddress,
        _ router: AdminRouter,
        _ lookUp: CancellableLookup = CancellableLookup()
    ) async throws(RstreamError) -> HTTPListener {
        let binding: HTTPListener.Binding
        if let inherited = await state.withLock(\.handedOver)?.take(port.role, address.description) {
            let host: String? = if case .tcp(let host, _) = address { host } else { nil }
            binding = .handedOver(inherited, host: host)
        } else {
            binding =
                switch address {
                case .tcp(let host, let port): .tcp(host: host, port: port)
                case .unix(let path): .file(path: path, mode: SocketRights().mode, group: nil)
                }
        }
        let (setting, answer) = (ListenSetting.port(port, address), port.answer(router))
        switch port {
        case .metrics: return try await listen(at: binding, setting, lookUp, answer: answer)
        case .page:
            // Its clients are unknown: they may only read.
            let rights: HTTPListener.Rights = { _ in .read }
            let names: HTTPListener.Names = { [pageHosts] in pageHosts.all }
            return try await listen(at: binding, setting, lookUp, rights: rights, names: names, answer: answer)
        }
    }

    func listen(
        at binding: HTTPListener.Binding,
        _ setting: ListenSetting,
        _ lookUp: CancellableLookup = CancellableLookup(),
        rights: @escaping HTTPListener.Rights = HTTPListener.rightsOfConnected,
        names: HTTPListener.Names? = nil,
        answer: @escaping HTTPConnection.Answer
    ) async throws(RstreamError) -> HTTPListener {
        do {
            return try await listen(at: binding, lookUp, rights: rights, names: names, answer: answer)
        } catch {
            throw setting.unavailable(error)
        }
    }

    func listen(
        at binding: HTTPListener.Binding,
        _ lookUp: CancellableLookup = CancellableLookup(),
        rights: @escaping HTTPListener.Rights = HTTPListener.rightsOfConnected,
        names: HTTPListener.Names? = nil,
        answer: @escaping HTTPConnection.Answer
    ) async throws -> HTTPListener {
        try await HTTPListener.listen(
            at: binding,
            on: group,
            clientLimit: state.withLock(\.clients),
            lookUp: lookUp,
            timeouts: timeouts,
            events: statusStore.events,
            rights: rights,
            names: names,
            answer: answer
        )
    }
}

extension AdminListeners {
    /// Puts the rules for clients of the admin socket in force.
    func set(_ access: AdminAccess, _ settings: AdminSettings) {
        let before = rules.access
        rules.set(access, from: settings)
        guard access != before, access.isReadGroupUnknown else { return }
        logger.warning(
            "admin read group not found",
            metadata: [
                "group": "\(settings.readGroup ?? "")", LogKey.fix: "create the group, or remove admin.readGroup",
            ]
        )
    }
}

/// The setting that a listener's address comes from, for errors.
struct ListenSetting {
    let address: ListenAddress
    /// The address as it is configured.
    let name: String
    let setting: String

    static func admin(_ settings: AdminSettings) -> Self {
        Self(address: .unix(path: settings.socket), name: settings.socket, setting: "admin.socket")
    }

    static func port(_ port: AdminPort, _ address: ListenAddress) -> Self {
        Self(address: address, name: address.description, setting: port.setting)
    }

    /// Rethrows the error of `body` as one that names the setting.
    func explaining(_ body: () async throws(SocketFile.Failure) -> Void) async throws(RstreamError) {
        do throws(SocketFile.Failure) {
            try await body()
        } catch {
            throw unavailable(error)
        }
    }

    func unavailable(_ error: any Error) -> RstreamError {
        .listening(on: address, called: name, failed: error, for: setting)
    }
}
