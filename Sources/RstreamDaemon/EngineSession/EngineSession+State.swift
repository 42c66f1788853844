// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Rstream
internal import RstreamCore
internal import RstreamModel

extension EngineSession {
    /// What changes while the session runs. Owned by the one task that takes events.
    struct State {
        var client: RstreamClient
        var session: SessionStateMachine
        /// Every tunnel that ``sessionTunnels`` knows, also those that wait.
        var tunnels: [TunnelKey: SessionTunnel] = [:]
        var sessionTunnels = SessionTunnelsStateMachine<TunnelKey>()
        var channel: RstreamControlChannel?
        /// Counts attempts, so that results of earlier ones are recognised and dropped.
        var attempt = 0
        /// Counts channels, so that events of earlier ones are recognised and dropped.
        var epoch = 0
        var token = TokenWatch()
        var causes = OutageCauses()
        var canary = SessionCanary()
        /// The timer of the session; each tunnel has its own.
        let retry = DelayedCall()
        var outageSince: ContinuousClock.Instant?
        /// When the last channel ended.
        var lostAt: ContinuousClock.Instant?
        /// Set while the session waits.
        var nextAttemptAt: UTCTime?
        /// Where the schedule is stored.
        var place: ReconnectStore.Key?
        var random = SystemRandomNumberGenerator()

        init(client: RstreamClient, session: SessionStateMachine) {
            self.client = client
            self.session = session
        }

        /// The tunnels that are open or closing, in the order in which they came.
        var openTunnels: [TunnelKey] { sessionTunnels.openTunnels }

        mutating func forget(_ key: TunnelKey) {
            tunnels.removeValue(forKey: key)?.retry.cancel()
            causes.recovered(key)
        }

        func cancelTimers() {
            retry.cancel()
            for tunnel in tunnels.values { tunnel.retry.cancel() }
        }

        /// The tunnel to show under a name.
        func shown(_ name: String) -> SessionTunnel? { sessionTunnels.shown(name).flatMap { tunnels[$0] } }
    }
}
