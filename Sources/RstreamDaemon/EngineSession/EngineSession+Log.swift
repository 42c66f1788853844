// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import RstreamCore
internal import RstreamModel

/// What a session logs about itself and its tunnels: one line when an outage begins and one when it is over. What
/// happens during the outage, or because of it, is logged below `notice`.
extension EngineSession {
    func log(_ change: SessionStateMachine.OutageChange?, retryIn wait: Duration, _ state: inout State) {
        switch change {
        case .began(let error):
            state.outageSince = .now
            logger.warning("session down, retrying", metadata: .facts(of: error, retryIn: wait))
        case .causeChanged(let error):
            logger.info("session still down", metadata: .facts(of: error, retryIn: wait))
        case nil: break
        }
    }

    func logRecovery(after attempts: Int, _ state: inout State) {
        let since = state.outageSince ?? .now
        state.outageSince = nil
        logger.notice(
            "session restored",
            metadata: [
                LogKey.attempts: .stringConvertible(attempts),
                LogKey.duration: .stringConvertible(since.duration(to: .now)),
            ]
        )
    }

    func log(
        _ failure: TunnelStateMachine.Failure,
        of name: String,
        _ key: TunnelKey,
        retryIn wait: Duration,
        _ state: inout State
    ) {
        guard !failure.isStandby else {
            state.causes.recovered(key)
            return logger.notice(
                "tunnel on standby",
                metadata: [LogKey.tunnel: "\(name)", LogKey.error: "\(failure.error.what)"]
            )
        }
        var facts = Logger.Metadata.facts(of: failure.error, retryIn: wait)
        facts[LogKey.tunnel] = "\(name)"
        let level: Logger.Level =
            switch (state.causes.failed(key, failure), failure.followsLoss) {
            case (true, false): .warning
            case (true, true): .info
            case (false, _): .debug
            }
        logger.log(level: level, "tunnel down, retrying", metadata: facts)
    }

    func log(_ opening: TunnelStateMachine.Opening, of name: String, _ properties: TunnelProperties) {
        let facts: Logger.Metadata = [
            LogKey.tunnel: "\(name)", LogKey.address: "\(properties.forwardingAddress)",
            LogKey.tunnelID: "\(properties.id ?? "")",
        ]
        switch opening {
        case .first: logger.info("tunnel online", metadata: facts)
        case .again: logger.debug("tunnel online", metadata: facts)
        case .tookOver: logger.notice("tunnel took over", metadata: facts)
        case .moved: logger.warning("tunnel online at another address", metadata: facts)
        }
    }
}
