// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamConfig

/// Reads the configuration for a reload on its own thread, so that neither a slow disk nor a large file blocks tasks
/// and event loops. A stop does not wait for it.
struct ReloadLoader: Sendable {
    private let read: Daemon.Load
    private let stallDetector: StallDetector
    /// Its own: a read that never returns blocks no other reads.
    private let thread = BlockingThreads(most: 1)

    init(load: @escaping Daemon.Load, stallDetector: StallDetector) {
        (read, self.stallDetector) = (load, stallDetector)
    }

    /// Returns nil when the daemon is to stop.
    func load() async -> Result<LoadedConfiguration, ConfigurationError>? {
        await stallDetector.wait(for: thread) { [read] in
            Result { () throws(ConfigurationError) in try read().judgedForReload() }
        }
    }

    /// A tunnel that a user opens by hand, as its text and as what it comes to, and the warnings about it.
    struct ReadTunnel: Sendable {
        let entry: TunnelByHand
        let definition: TunnelDefinition
        let warnings: [Diagnostic]
    }

    /// Reads the entry of a tunnel by hand with the rights of `user`, and the files that its context needs. Returns nil
    /// when the daemon is to stop.
    func read(
        _ entry: Tree.Table,
        user: UInt32?,
        of owner: TunnelDefinition.ByHand,
        beside configuration: DaemonConfiguration
    ) async -> Result<ReadTunnel, ConfigurationError>? {
        // Names of ports are looked up, which may block.
        await stallDetector.wait(for: thread) {
            Result { () throws(ConfigurationError) -> ReadTunnel in
                let tunnel = try TunnelByHand(entry, user: user)
                let (definition, warnings) = try tunnel.resolved(in: configuration, of: owner)
                let errors = NamedFiles.errors(about: DaemonConfiguration(tunnels: [definition]))
                guard errors.isEmpty else { throw ConfigurationError(kind: .invalid, diagnostics: errors) }
                return ReadTunnel(entry: tunnel, definition: definition, warnings: warnings)
            }
        }
    }

    /// Reads the entries of tunnels by hand that a predecessor has; nil in the place of one that cannot be read, and of
    /// all when the daemon is to stop. The files that they need were there when they were opened.
    func read(_ tunnels: [UpgradeMessage.ByHand?]) async -> [TunnelByHand?] {
        await stallDetector.wait(for: thread) {
            tunnels.map { tunnel in
                tunnel.flatMap { try? TunnelByHand(text: $0.file, user: $0.rights) }
            }
        } ?? tunnels.map { _ in nil }
    }
}
