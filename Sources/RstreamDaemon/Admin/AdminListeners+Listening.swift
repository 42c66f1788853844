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
        answer: @escaping HTTPConnection.Answer
    ) async throws(RstreamError) -> HTTPListener {
        let owner = await BlockingThreads.accounts.run { SocketGroup(named: settings.group) }
        switch owner {
        case .usable: break
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
        let binding = HTTPListener.Binding.file(path: settings.socket, mode: settings.mode, group: owner.id)
        return try await listen(at: binding, .admin(settings), answer: answer)
    }

    func listen(
        _ address: ListenAddress,
        _ lookUp: CancellableLookup = CancellableLookup(),
        answer: @escaping HTTPConnection.Answer
    ) async throws(RstreamError) -> HTTPListener {
        let binding: HTTPListener.Binding =
            switch address {
            case .tcp(let host, let port): .tcp(host: host, port: port)
            case .unix(let path): .file(path: path, mode: SocketRights().mode, group: nil)
            }
        return try await listen(at: binding, .metrics(address), lookUp, answer: answer)
    }

    func listen(
        at binding: HTTPListener.Binding,
        _ setting: ListenSetting,
        _ lookUp: CancellableLookup = CancellableLookup(),
        answer: @escaping HTTPConnection.Answer
    ) async throws(RstreamError) -> HTTPListener {
        do {
            return try await listen(at: binding, lookUp, answer: answer)
        } catch {
            throw setting.unavailable(error)
        }
    }

    func listen(
        at binding: HTTPListener.Binding,
        _ lookUp: CancellableLookup = CancellableLookup(),
        answer: @escaping HTTPConnection.Answer
    ) async throws -> HTTPListener {
        try await HTTPListener.listen(
            at: binding,
            on: group,
            clientLimit: state.withLock(\.clients),
            lookUp: lookUp,
            timeouts: timeouts,
            events: statusStore.events,
            answer: answer
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

    static func metrics(_ address: ListenAddress) -> Self {
        Self(address: address, name: address.description, setting: "metrics.listen")
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
