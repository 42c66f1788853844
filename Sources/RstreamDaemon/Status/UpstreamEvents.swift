// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import RstreamAdmin
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay

/// Publishes how the upstreams of one tunnel are, as events and in the log.
struct UpstreamEvents: UpstreamObserver {
    let tunnel: String
    let statusStore: StatusStore
    let logger: Logger
    /// Called when all upstreams have become unhealthy, or the first one healthy again.
    let servabilityChanged: @Sendable () -> Void

    func upstreamsChanged(_ effect: UpstreamPoolStateMachine.Effect) {
        switch effect {
        case .ejected(let address, let error, let until):
            let pause = ContinuousClock.now.duration(to: until)
            logger.warning("upstream ejected", metadata: facts(address, error, retryIn: pause))
            publish("ejected", address, error)
        case .restored(let address):
            logger.notice("upstream takes connections again", metadata: facts(address))
            publish("restored", address)
        case .unhealthy(let address, let error):
            logger.warning("upstream unhealthy", metadata: facts(address, error))
            publish("unhealthy", address, error)
        case .healthy(let address):
            logger.notice("upstream healthy again", metadata: facts(address))
            publish("healthy", address)
        case .servable: servabilityChanged()
        }
    }

    private func facts(
        _ address: UpstreamAddress,
        _ error: RstreamError? = nil,
        retryIn: Duration? = nil
    ) -> Logger.Metadata {
        var facts = error.map { Logger.Metadata.facts(of: $0) } ?? [:]
        facts[LogKey.tunnel] = "\(tunnel)"
        facts[LogKey.upstream] = "\(address)"
        if let retryIn { facts[LogKey.retryIn] = .stringConvertible(retryIn) }
        return facts
    }

    private func publish(_ change: String, _ address: UpstreamAddress, _ error: RstreamError? = nil) {
        let at = UTCTime.now
        statusStore.events.publish("upstream.\(change)") { event in
            event.tunnel = tunnel
            event.upstream = address.description
            event.error = error.map { ErrorReport($0, at: at) }
        }
    }
}
