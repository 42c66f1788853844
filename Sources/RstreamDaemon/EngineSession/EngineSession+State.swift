internal import Rstream
internal import RstreamCore
internal import RstreamModel

extension EngineSession {
    /// What changes while the session runs; lives in the one task that takes events.
    struct State {
        var client: Client
        var session: SessionStateMachine
        var tunnels: [TunnelKey: SessionTunnel] = [:]
        /// The keys of each name, in the order in which they came.
        private var names: [String: [TunnelKey]] = [:]
        private var nextKey = 0
        var channel: ControlChannel?
        /// Counts attempts; only the last one counts.
        var attempt = 0
        /// Counts channels, so that events of an earlier one are recognised.
        var epoch = 0
        var token = TokenWatch()
        var outageSince: ContinuousClock.Instant?
        /// While the session waits.
        var nextAttemptAt: UTCTime?
        var random = SystemRandomNumberGenerator()

        init(client: Client, session: SessionStateMachine) {
            self.client = client
            self.session = session
        }

        /// In the order in which they came.
        var keys: [TunnelKey] { tunnels.keys.sorted() }

        @discardableResult
        mutating func insert(_ tunnel: SessionTunnel) -> TunnelKey {
            nextKey += 1
            let key = TunnelKey(number: nextKey)
            tunnels[key] = tunnel
            names[tunnel.name, default: []].append(key)
            return key
        }

        mutating func forget(_ key: TunnelKey) {
            guard let name = tunnels.removeValue(forKey: key)?.name else { return }
            let rest = names[name, default: []].filter { $0 != key }
            names[name] = rest.isEmpty ? nil : rest
        }

        /// The tunnel of that name that is wanted; one that is on its way out is not.
        func wanted(_ name: String) -> TunnelKey? {
            names[name]?.last { tunnels[$0].map { $0.isLeaving } == false }
        }

        /// The tunnel of that name that is on its way out last.
        func leaving(_ name: String) -> TunnelKey? {
            names[name]?.last { tunnels[$0]?.isLeaving == true }
        }

        /// The tunnel whose end the wanted one of that name waits for.
        func ending(before name: String) -> TunnelKey? {
            names[name]?.last { tunnels[$0]?.successor != nil }
        }

        /// What an operator is shown under that name: the tunnel that serves until its replacement does.
        func shown(_ name: String) -> SessionTunnel? {
            let tunnels = names[name, default: []].compactMap { self.tunnels[$0] }
            if let serving = tunnels.last(where: { !$0.isLeaving && $0.predecessor == nil }) { return serving }
            guard let leaving = tunnels.last else { return nil }
            return leaving.successor?.tunnel ?? leaving
        }
    }
}
