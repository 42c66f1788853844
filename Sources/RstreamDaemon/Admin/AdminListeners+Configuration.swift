// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import Logging
internal import NIOCore
internal import RstreamConfig
internal import RstreamModel
internal import RstreamRelay
internal import RstreamSocket
internal import Synchronization

/// Applying a configuration to the admin socket and the ports beside it.
extension AdminListeners {
    /// New listeners that replace open ones; nil where the open one stays.
    private struct Replacements {
        var admin: HTTPListener?
        var ports: [AdminPort: HTTPListener] = [:]
        /// Who may do what on the admin socket from now on, also on one that stays.
        var access: AdminAccess?
        /// The ports whose address is not available yet.
        var deferred: Set<AdminPort> = []
        /// The folder of the admin socket, if it was created.
        var folder: String?

        /// Closes everything and removes what was created.
        func discard() async {
            await admin?.discard()
            for listener in ports.values { await listener.discard() }
            guard let folder else { return }
            _ = await BlockingThreads.sockets.run { rmdir(folder) }
        }
    }

    /// Opens the listeners of `configuration` that are not open, and closes those that it no longer has. A failure
    /// leaves everything as it was, except for the address of a port that `deferrable` permits to wait.
    func open(
        _ configuration: DaemonConfiguration,
        _ deferrable: DeferrablePorts = .init()
    ) async throws(RstreamError) {
        let before = state.withLock { $0.open }
        let obstacles = before.obstacles(to: configuration)
        for port in obstacles { await before.ports[port]?.listener.close() }
        let replacements: Replacements
        let reservation: ReservedSockets.Reservation?
        do throws(RstreamError) {
            var bound = try await bind(configuration, beside: before, deferrable)
            // Reserved before the socket has a name that a tunnel could use.
            reservation = bound.admin?.file.map { reserved.reserve($0) }
            do throws(RstreamError) {
                try await publish(&bound, replacing: before, configuration, deferrable)
            } catch {
                await bound.discard()
                throw error
            }
            replacements = bound
        } catch {
            for port in obstacles {
                if let address = before.ports[port]?.address { await reopen(port, at: address) }
            }
            throw error
        }
        pageHosts.set(configuration.page.hosts)
        if let access = replacements.access { set(access, configuration.admin) }
        if let listener = replacements.admin {
            state.withLock { $0.open.admin = (configuration.admin, listener, reservation) }
            // Before the old socket goes, so that its path always leads to one. A predecessor's may be there too.
            let old = before.admin?.listener.file?.identity
            let inherited = state.withLock(\.handedOver)?.file(.admin, pointer.path)
            await pointer.lead(to: configuration.admin.socket, replacing: old ?? inherited)
            await before.admin?.listener.retire()
            serve(listener)
            logger.info("admin socket open", metadata: [LogKey.address: "\(configuration.admin.socket)"])
        } else if !configuration.admin.hasSocket {
            // At the start, a killed daemon may have left its link.
            await pointer.remove()
            if let admin = before.admin {
                await admin.listener.retire()
                state.withLock { $0.open.admin = nil }
                logger.info("admin socket closed", metadata: [LogKey.address: "\(admin.settings.socket)"])
            }
        }
        for port in AdminPort.allCases { await change(port, before, replacements, configuration) }
    }

    /// Serves a port at its new address, if it has one, and closes it at the old one.
    private func change(
        _ port: AdminPort,
        _ before: Open,
        _ replacements: Replacements,
        _ configuration: DaemonConfiguration
    ) async {
        let (address, retried) = (port.address(in: configuration), state.withLock { $0.retries[port]?.address })
        guard before.ports[port]?.address != address || retried != nil else { return }
        await before.ports[port]?.listener.close()
        serve(port, replacements.ports[port], at: address)
        let deferred = replacements.deferred.contains(port) ? address : nil
        let former = state.withLock { $0.retries.removeValue(forKey: port) }
        // An outage that goes on is logged once.
        let isLogged = (former?.stop() ?? false) && former?.address == deferred
        let retry = deferred.map { PortRetry(port, at: $0, isLogged: isLogged, on: group.any(), logger: logger) }
        state.withLock { $0.retries[port] = retry }
    }

    /// Throws the errors that ``open(_:_:)`` would throw, and changes nothing.
    func check(
        _ configuration: DaemonConfiguration,
        _ deferrable: DeferrablePorts = .init()
    ) async throws(RstreamError) {
        let before = state.withLock { $0.open }
        // An address cannot be bound while this process itself is in its way.
        let wanted = before.withoutObstacles(configuration)
        let replacements = try await bind(wanted, beside: before, deferrable)
        do throws(RstreamError) {
            try await checkNames(replacements, replacing: before, wanted, deferrable)
        } catch {
            await replacements.discard()
            throw error
        }
        await replacements.discard()
    }

    /// Binds what is not open yet. A Unix socket has no name before ``publish(_:replacing:_:_:)``.
    private func bind(
        _ configuration: DaemonConfiguration,
        beside before: Open,
        _ deferrable: DeferrablePorts
    ) async throws(RstreamError) -> Replacements {
        var replacements = Replacements()
        let (router, isInherited, retries) = state.withLock { ($0.router, $0.isInherited, $0.retries) }
        guard let router else { return replacements }
        let isGone = await before.admin?.listener.isGone() ?? false
        let access = await rules.access(for: configuration.admin)
        replacements.access = access
        do throws(RstreamError) {
            if !isInherited, configuration.admin.hasSocket,
                before.admin?.settings != configuration.admin || isGone
                    || rules.access.socketMode != access.socketMode
            {
                let socket = configuration.admin.socket
                replacements.folder = try await BlockingThreads.sockets.tryRun { () throws(RstreamError) in
                    try Self.makeFolder(of: socket)
                }
                replacements.admin = try await listen(configuration.admin, access) { await router.answer($0) }
            }
            for port in AdminPort.allCases {
                guard let address = port.address(in: configuration), before.ports[port]?.address != address else {
                    continue
                }
                do throws(RstreamError) {
                    replacements.ports[port] = try await listen(port, at: address, router)
                } catch {
                    guard deferrable.contains(address) || retries[port]?.address == address else { throw error }
                    replacements.deferred.insert(port)
                }
            }
            return replacements
        } catch {
            await replacements.discard()
            throw error
        }
    }

    /// Creates the folder of the admin socket where systemd has not done so. Returns the folder if it was created.
    private static func makeFolder(of socket: String) throws(RstreamError) -> String? {
        let folder = Path.directory(of: socket)
        guard !folder.isEmpty else { return nil }
        MayBlock.now("making a folder")
        if mkdir(folder, 0o755) == 0 { return folder }
        // On a read-only file system, mkdir fails with EROFS even if the folder exists.
        let code = errno
        guard code != EEXIST, access(folder, F_OK) != 0 else { return nil }
        throw RstreamError(
            code: .listenerUnavailable,
            origin: .host,
            retry: .afterReload,
            what: "cannot listen on \(socket): cannot create the folder \(folder): \(SystemError.reason(code))",
            fix: "create the folder, or set admin.socket to another path, or to none"
        )
    }

    /// Gives Unix sockets their names. The admin socket is last: it may replace another one, which cannot be undone.
    private func publish(
        _ replacements: inout Replacements,
        replacing before: Open,
        _ configuration: DaemonConfiguration,
        _ deferrable: DeferrablePorts
    ) async throws(RstreamError) {
        for port in AdminPort.allCases {
            guard let address = port.address(in: configuration), let listener = replacements.ports[port] else {
                continue
            }
            do throws(RstreamError) {
                try await ListenSetting.port(port, address).explaining { () async throws(SocketFile.Failure) in
                    try await listener.publish()
                }
            } catch {
                guard deferrable.contains(address) else { throw error }
                await listener.discard()
                replacements.ports[port] = nil
                replacements.deferred.insert(port)
            }
        }
        let admin = replacements.admin
        try await ListenSetting.admin(configuration.admin).explaining { () async throws(SocketFile.Failure) in
            try await admin?.publish(
                replacing: before.admin?.listener,
                replacesLink: configuration.admin.socket == pointer.path
            )
        }
    }

    private func checkNames(
        _ replacements: Replacements,
        replacing before: Open,
        _ configuration: DaemonConfiguration,
        _ deferrable: DeferrablePorts
    ) async throws(RstreamError) {
        for port in AdminPort.allCases {
            guard let address = port.address(in: configuration), !deferrable.contains(address) else { continue }
            let listener = replacements.ports[port]
            try await ListenSetting.port(port, address).explaining { () async throws(SocketFile.Failure) in
                try await listener?.checkName()
            }
        }
        try await ListenSetting.admin(configuration.admin).explaining { () async throws(SocketFile.Failure) in
            // The link at the default path gives way, also that of a process that is taken over from.
            try await replacements.admin?.checkName(
                replacing: before.admin?.listener,
                replacesLink: configuration.admin.socket == pointer.path
            )
        }
    }

    /// Reopens a port that was closed for an address that is not available.
    private func reopen(_ port: AdminPort, at address: ListenAddress) async {
        guard let router = state.withLock({ $0.router }) else { return }
        do throws(RstreamError) {
            let listener = try await listen(port, at: address, router)
            do throws(RstreamError) {
                try await ListenSetting.port(port, address).explaining { () async throws(SocketFile.Failure) in
                    try await listener.publish()
                }
            } catch {
                await listener.discard()
                throw error
            }
            serve(port, listener, at: address)
        } catch {
            state.withLock { $0.open.ports[port] = nil }
            port.logLost(error, to: logger)
        }
    }
}
