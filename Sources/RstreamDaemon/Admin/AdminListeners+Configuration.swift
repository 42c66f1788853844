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

/// Applying a configuration to the admin socket and the metrics port.
extension AdminListeners {
    /// New listeners that replace open ones; nil where the open one stays.
    private struct Replacements {
        var admin: HTTPListener?
        var metrics: HTTPListener?
        /// Whether the metrics address is not available yet.
        var defersMetrics = false
        /// The folder of the admin socket, if it was created.
        var folder: String?

        /// Closes everything and removes what was created.
        func discard() async {
            await admin?.discard()
            await metrics?.discard()
            guard let folder else { return }
            _ = await BlockingThreads.sockets.run { rmdir(folder) }
        }
    }

    /// Opens the listeners of `configuration` that are not open, and closes those that it no longer has. A failure
    /// leaves everything as it was, except for a metrics address that `deferrable` permits to wait.
    func open(
        _ configuration: DaemonConfiguration,
        _ deferrable: DeferrableMetrics = .init()
    ) async throws(RstreamError) {
        let before = state.withLock { $0.open }
        let movesOnPort = before.sharesPort(with: configuration.metrics)
        if movesOnPort { await before.metrics?.listener.close() }
        if configuration.admin.socket == pointer.path { await pointer.remove() }
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
            if movesOnPort, let address = before.metrics?.address { await reopen(address) }
            if let admin = before.admin { await pointer.lead(to: admin.settings.socket) }
            throw error
        }
        if let listener = replacements.admin {
            await before.admin?.listener.retire()
            state.withLock { $0.open.admin = (configuration.admin, listener, reservation) }
            await pointer.lead(to: configuration.admin.socket)
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
        guard before.metrics?.address != configuration.metrics else { return }
        await before.metrics?.listener.close()
        serveMetrics(replacements.metrics, at: configuration.metrics)
        let deferred = replacements.defersMetrics ? configuration.metrics : nil
        let former = state.withLock { $0.retry.take() }
        // An outage that goes on is logged once.
        let isLogged = (former?.stop() ?? false) && former?.address == deferred
        let retry = deferred.map { MetricsRetry($0, isLogged: isLogged, on: group.any(), logger: logger) }
        state.withLock { $0.retry = retry }
    }

    /// Throws the errors that ``open(_:_:)`` would throw, and changes nothing.
    func check(
        _ configuration: DaemonConfiguration,
        _ deferrable: DeferrableMetrics = .init()
    ) async throws(RstreamError) {
        let before = state.withLock { $0.open }
        var wanted = configuration
        // The port cannot be bound while this process itself holds it.
        if before.sharesPort(with: wanted.metrics) { wanted.metrics = before.metrics?.address }
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
        _ deferrable: DeferrableMetrics
    ) async throws(RstreamError) -> Replacements {
        var replacements = Replacements()
        let (router, isInherited, retry) = state.withLock { ($0.router, $0.isInherited, $0.retry) }
        guard let router else { return replacements }
        let isGone = await before.admin?.listener.isGone() ?? false
        do throws(RstreamError) {
            if !isInherited, configuration.admin.hasSocket,
                before.admin?.settings != configuration.admin || isGone
            {
                let socket = configuration.admin.socket
                replacements.folder = try await BlockingThreads.sockets.tryRun { () throws(RstreamError) in
                    try Self.makeFolder(of: socket)
                }
                replacements.admin = try await listen(configuration.admin) { await router.answer($0) }
            }
            if before.metrics?.address != configuration.metrics, let address = configuration.metrics {
                do throws(RstreamError) {
                    replacements.metrics = try await listen(address) { await router.answerMetrics($0) }
                } catch {
                    guard deferrable.contains(address) || retry?.address == address else { throw error }
                    replacements.defersMetrics = true
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
        _ deferrable: DeferrableMetrics
    ) async throws(RstreamError) {
        if let address = configuration.metrics, let metrics = replacements.metrics {
            do throws(RstreamError) {
                try await ListenSetting.metrics(address).explaining { () async throws(SocketFile.Failure) in
                    try await metrics.publish()
                }
            } catch {
                guard deferrable.contains(address) else { throw error }
                await metrics.discard()
                (replacements.metrics, replacements.defersMetrics) = (nil, true)
            }
        }
        let admin = replacements.admin
        try await ListenSetting.admin(configuration.admin).explaining { () async throws(SocketFile.Failure) in
            try await admin?.publish(replacing: before.admin?.listener)
        }
    }

    private func checkNames(
        _ replacements: Replacements,
        replacing before: Open,
        _ configuration: DaemonConfiguration,
        _ deferrable: DeferrableMetrics
    ) async throws(RstreamError) {
        if let address = configuration.metrics, !deferrable.contains(address) {
            try await ListenSetting.metrics(address).explaining { () async throws(SocketFile.Failure) in
                try await replacements.metrics?.checkName()
            }
        }
        try await ListenSetting.admin(configuration.admin).explaining { () async throws(SocketFile.Failure) in
            try await replacements.admin?.checkName(replacing: before.admin?.listener)
        }
    }

    /// Reopens a metrics port that was closed for an address that is not available.
    private func reopen(_ address: ListenAddress) async {
        guard let router = state.withLock({ $0.router }) else { return }
        do throws(RstreamError) {
            serveMetrics(try await listen(address) { await router.answerMetrics($0) }, at: address)
        } catch {
            state.withLock { $0.open.metrics = nil }
            logger.warning("metrics port lost", metadata: .facts(of: error))
        }
    }
}
