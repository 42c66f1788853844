// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import Rstream
internal import RstreamConfig
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay

/// Carrying out a ``ListenerPlan``. All listeners that go are stopped before any starts, because a new one may need the
/// address of an old one.
extension RunningConfiguration {
    /// Stops listeners and returns when their addresses are free.
    mutating func stopListeners(_ plan: ListenerPlan) async -> [ReplacedStreams] {
        var replaced: [ReplacedStreams] = []
        var leaving: [ListenerService] = []
        for change in plan.changes {
            guard let old = listeners[change.listener] else { continue }
            if let disposition = change.disposition, disposition != .keep {
                let streams = old.listener.retire()
                replaced.append(
                    ReplacedStreams(owner: .listener(change.listener), streams: streams, disposition: disposition)
                )
            }
            guard !change.keepsAddress else { continue }
            old.listener.leave()
            leaving.append(old)
            listeners[change.listener] = nil
        }
        for listener in leaving { await listener.stop() }
        return replaced
    }

    mutating func startListeners(
        _ plan: ListenerPlan,
        of next: DaemonConfiguration,
        in group: inout DiscardingTaskGroup
    ) async {
        let definitions = Dictionary(next.listeners.map { ($0.name, $0) }) { first, _ in first }
        for change in plan.changes {
            guard let definition = definitions[change.listener] else { continue }
            if let old = listeners[change.listener] {
                old.listener.logger = logger(of: definition)
                old.listener.update(
                    dial: definition.target,
                    client: client(definition.context),
                    options: definition.options,
                    isSame: change.action == .update
                )
                if await old.listener.changeRights(to: definition.options.rights) { continue }
                old.listener.leave()
                await old.stop()
            }
            let service = service(of: definition, next)
            listeners[change.listener] = service
            group.addTask { await service.run() }
        }
        let policy = ReconnectPolicy(next.reconnect)
        for listener in listeners.values { listener.policyChanged(policy) }
    }

    private mutating func service(
        of definition: ListenerDefinition,
        _ configuration: DaemonConfiguration
    ) -> ListenerService {
        ListenerService(
            DialListener(
                definition.listen,
                dial: definition.target,
                client: client(definition.context),
                options: definition.options,
                ledger: ledger(.listener(definition.name)),
                table: dependencies.streams,
                logger: logger(of: definition)
            ),
            policy: ReconnectPolicy(configuration.reconnect),
            inheritance: dependencies.succession?.sockets,
            group: dependencies.group
        )
    }

    private func logger(of definition: ListenerDefinition) -> Logger {
        var logger = dependencies.logger.about(definition.context)
        logger[metadataKey: LogKey.listener] = "\(definition.name)"
        return logger
    }
}
