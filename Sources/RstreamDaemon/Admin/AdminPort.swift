// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import RstreamConfig
internal import RstreamModel
internal import Synchronization

/// A listener of the daemon beside the admin socket, at an address of its own. Its clients are not asked who they are.
enum AdminPort: Hashable, Sendable, CaseIterable {
    /// What monitoring asks for.
    case metrics
    /// The page for browsers.
    case page

    /// The key of its address.
    var setting: String {
        switch self {
        case .metrics: "metrics.listen"
        case .page: "page.listen"
        }
    }

    /// What `doctor` calls an examination of it.
    var check: String {
        switch self {
        case .metrics: "metrics"
        case .page: "page"
        }
    }

    /// What it is called when its sockets are handed over.
    var role: SocketLabel.Role {
        switch self {
        case .metrics: .metrics
        case .page: .page
        }
    }

    /// Where a configuration has it; nil for nowhere.
    func address(in configuration: DaemonConfiguration) -> ListenAddress? {
        switch self {
        case .metrics: configuration.metrics
        case .page: configuration.page.listen
        }
    }

    func set(_ address: ListenAddress?, in configuration: inout DaemonConfiguration) {
        switch self {
        case .metrics: configuration.metrics = address
        case .page: configuration.page.listen = address
        }
    }

    /// How its requests are answered.
    func answer(_ router: AdminRouter) -> HTTPConnection.Answer {
        switch self {
        case .metrics: return { await router.answerMetrics($0) }
        case .page: return { await router.answerPage($0) }
        }
    }

    // MARK: The log

    func logOpen(at places: String, to logger: Logger) {
        switch self {
        case .metrics: logger.info("metrics port open", metadata: [LogKey.address: "\(places)"])
        case .page: logger.info("page open", metadata: [LogKey.address: "\(places)"])
        }
    }

    func logRetry(_ error: RstreamError, in wait: Duration, to logger: Logger) {
        switch self {
        case .metrics: logger.warning("metrics listen failed, retrying", metadata: .facts(of: error, retryIn: wait))
        case .page: logger.warning("page listen failed, retrying", metadata: .facts(of: error, retryIn: wait))
        }
    }

    func logLost(_ error: RstreamError, to logger: Logger) {
        switch self {
        case .metrics: logger.warning("metrics port lost", metadata: .facts(of: error))
        case .page: logger.warning("page lost", metadata: .facts(of: error))
        }
    }
}

/// The names by which browsers reach the page, `page.hosts`, which a reload may change; guarded by a mutex.
final class PageHosts: Sendable {
    private let names = Lock<[String]>([])

    var all: [String] { names.withLock { $0 } }

    func set(_ hosts: [String]) { names.withLock { $0 = hosts } }
}
