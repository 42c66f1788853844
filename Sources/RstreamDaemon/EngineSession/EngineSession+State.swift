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
        /// Tunnels that wait for others to be gone, by name.
        private(set) var waiting: [String: Waiting] = [:]
        var channel: ControlChannel?
        /// Counts attempts; only the last one counts.
        var attempt = 0
        /// Counts channels, so that events of an earlier one are recognised.
        var epoch = 0
        var token = TokenWatch()
        var causes = OutageCauses()
        /// Of the session; each tunnel has its own.
        let retry = Later()
        var outageSince: ContinuousClock.Instant?
        /// While the session waits.
        var nextAttemptAt: UTCTime?
        /// Where the schedule is kept.
        var place: ReconnectStore.Place?
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

        /// The tunnels that are on their way out, and hold their names and addresses until they are gone.
        var leaving: Leaving {
            var leaving = Leaving()
            for (key, tunnel) in tunnels where tunnel.isLeaving {
                leaving.names[tunnel.name, default: []].insert(key)
                if let claim = tunnel.claim { leaving.claims[claim, default: []].insert(key) }
            }
            return leaving
        }

        /// Has a tunnel wait until the engine says that these are closed.
        mutating func wait(_ tunnel: SessionTunnel, behind holders: Set<TunnelKey>) {
            waiting[tunnel.name] = Waiting(tunnel, behind: holders)
        }

        /// Nobody wants the one that waits under that name any more.
        @discardableResult
        mutating func dropWaiting(_ name: String) -> SessionTunnel? { waiting.removeValue(forKey: name)?.tunnel }

        /// What does not have to wait any more now that a tunnel is gone, in the order of names.
        mutating func gone(_ key: TunnelKey) -> [SessionTunnel] {
            var free: [SessionTunnel] = []
            for (name, var place) in waiting.sorted(by: { $0.key < $1.key }) where place.holders.remove(key) != nil {
                waiting[name] = place.holders.isEmpty ? nil : place
                if place.holders.isEmpty { free.append(place.tunnel) }
            }
            return free
        }

        /// What an operator is shown under that name: the tunnel that serves until its replacement does.
        func shown(_ name: String) -> SessionTunnel? {
            let tunnels = names[name, default: []].compactMap { self.tunnels[$0] }
            if let serving = tunnels.last(where: { !$0.isLeaving && $0.predecessor == nil }) { return serving }
            return waiting[name]?.tunnel ?? tunnels.last
        }
    }

    /// Who holds which name and address for a while.
    struct Leaving {
        var names: [String: Set<TunnelKey>] = [:]
        var claims: [AddressClaim: Set<TunnelKey>] = [:]

        /// Those that hold what `tunnel` is to have.
        func holders(before tunnel: SessionTunnel) -> Set<TunnelKey> {
            let named = names[tunnel.name] ?? []
            return named.union(tunnel.claim.flatMap { claims[$0] } ?? [])
        }
    }

    /// A tunnel that waits for others to be gone.
    struct Waiting: Sendable {
        let tunnel: SessionTunnel
        var holders: Set<TunnelKey>

        init(_ tunnel: SessionTunnel, behind holders: Set<TunnelKey>) {
            (self.tunnel, self.holders) = (tunnel, holders)
        }
    }
}
