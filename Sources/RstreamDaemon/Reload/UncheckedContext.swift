// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import RstreamConfig
internal import RstreamModel

/// A context in use that does not verify the certificate of its engine or proxy.
struct UncheckedContext: Hashable, Sendable {
    let context: String
    let engine: String
    let verification: TransportOptions.Verification

    func log(to logger: Logger) {
        switch verification {
        case .full: return
        case .engineOnly:
            logger.warning("proxy certificate verification disabled", metadata: metadata("transport.proxy.tls"))
        case .none: logger.warning("engine certificate verification disabled", metadata: metadata("transport.tls"))
        }
    }

    private func metadata(_ key: String) -> Logger.Metadata {
        [
            LogKey.context: "\(context)", LogKey.engine: "\(engine)",
            LogKey.fix: "remove insecureSkipVerify, and set \(key).caFile to the CA certificate",
        ]
    }
}

extension DaemonConfiguration {
    /// The contexts in use without full verification, sorted by name.
    var uncheckedContexts: [UncheckedContext] {
        let contexts = tunnels.map(\.context) + listeners.map(\.context)
        let unchecked = Set(
            contexts.filter { $0.transport.verification != .full }.map { context in
                UncheckedContext(
                    context: context.name,
                    engine: "\(context.engine)",
                    verification: context.transport.verification
                )
            }
        )
        return unchecked.sorted { ($0.context, $0.engine) < ($1.context, $1.engine) }
    }
}
