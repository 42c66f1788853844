internal import Rstream
internal import RstreamCore
internal import RstreamModel

extension EngineSession {
    /// What changes while the session runs; lives in the one task that takes events.
    struct State {
        var client: RstreamClient
        var session: SessionStateMachine
        var tunnels: [TunnelKey: SessionTunnel] = [:]
        /// The keys of each name, in the order in which they came.
        private var names: [String: [TunnelKey]] = [:]
        /// Tunnels that wait for others to be gone, by name.
        var waiting: [String: SessionTunnel] = [:]
        var channel: RstreamControlChannel?
        /// Counts attempts; only the last one counts.
        var attempt = 0
        /// Counts channels, so that events of an earlier one are recognised.
        var epoch = 0
        var token = TokenWatch()
        var causes = OutageCauses()
        /// Of the session; each tunnel has its own.
        let retry = DelayedCall()
        var outageSince: ContinuousClock.Instant?
        /// While the session waits.
        var nextAttemptAt: UTCTime?
        /// Where the schedule is kept.
        var place: ReconnectStore.Key?
        var random = SystemRandomNumberGenerator()

        init(client: RstreamClient, session: SessionStateMachine) {
            self.client = client
            self.session = session
        }

        /// In the order in which they came.
        var keys: [TunnelKey] { tunnels.keys.sorted() }

        /// Whether no tunnel will ever be asked for as things are.
        var isIdle: Bool { tunnels.isEmpty && waiting.isEmpty }

        @discardableResult
        mutating func insert(_ tunnel: SessionTunnel) -> TunnelKey {
            tunnels[tunnel.key] = tunnel
            names[tunnel.name, default: []].append(tunnel.key)
            return tunnel.key
        }

        mutating func forget(_ key: TunnelKey) {
            guard let tunnel = tunnels.removeValue(forKey: key) else { return }
            let name = tunnel.name
            tunnel.retry.cancel()
            causes.mended(key)
            let rest = names[name, default: []].filter { $0 != key }
            names[name] = rest.isEmpty ? nil : rest
        }

        func cancelTimers() {
            retry.cancel()
            for tunnel in tunnels.values { tunnel.retry.cancel() }
        }

        /// The tunnel of that name that is wanted; one that is on its way out is not.
        func wanted(_ name: String) -> TunnelKey? {
            names[name]?.last { tunnels[$0].map { $0.isLeaving } == false }
        }

        /// What an operator is shown under that name: the tunnel that serves until its replacement does.
        func shown(_ name: String) -> SessionTunnel? {
            let tunnels = names[name, default: []].compactMap { self.tunnels[$0] }
            if let serving = tunnels.last(where: { !$0.isLeaving && $0.predecessor == nil }) { return serving }
            return waiting[name] ?? tunnels.last
        }
    }
}
