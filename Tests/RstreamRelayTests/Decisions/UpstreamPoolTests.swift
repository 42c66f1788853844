// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("A pool of upstreams")
struct UpstreamPoolTests {
    private typealias Machine = UpstreamPoolStateMachine
    private typealias Lease = UpstreamPoolStateMachine.Lease

    /// A pool whose upstreams have the ports 1, 2, and so on.
    private final class Pool {
        private(set) var machine = Machine()
        var now = ContinuousClock.now

        init(
            weights: [Int],
            backups: Set<Int> = [],
            balance: UpstreamBalance = .roundRobin,
            health: UpstreamHealthOptions? = nil
        ) {
            configure(weights.indices.map { ($0, weights[$0]) }, backups: backups, balance: balance, health: health)
        }

        static func address(_ place: Int) -> UpstreamAddress { .tcp(host: "10.0.0.1", service: "\(place + 1)") }

        func configure(
            _ upstreams: [(port: Int, weight: Int)],
            backups: Set<Int> = [],
            balance: UpstreamBalance = .roundRobin,
            health: UpstreamHealthOptions? = nil
        ) {
            let all = upstreams.map {
                (address: Self.address($0.port), weight: $0.weight, isBackup: backups.contains($0.port))
            }
            machine.configured(all, balance: balance, health: health)
        }

        func pick(for visitor: UInt64? = nil, besides tried: UpstreamSet = .init()) -> (place: Int, lease: Lease)? {
            switch machine.pick(for: visitor, besides: tried, in: machine.lineup, at: now) {
            case .upstream(let place, let lease): (place, lease)
            case .exhausted, .outdated: nil
            }
        }

        /// What a stream is told that came when the list of that number was in force.
        func pick(in lineup: Int) -> Machine.Pick { machine.pick(for: nil, in: lineup, at: now) }

        @discardableResult
        func connected(_ lease: Lease) -> Machine.Effect? { machine.connected(lease, at: now) }

        @discardableResult
        func failed(
            _ lease: Lease,
            _ error: RstreamError = UpstreamPoolTests.refused,
            since start: ContinuousClock.Instant? = nil
        ) -> Machine.Effect? {
            machine.failed(lease, error, since: start ?? now, at: now)
        }

        func released(_ lease: Lease, isBroken: Bool = false) { machine.released(lease, isBroken: isBroken) }

        func rest() { machine.rested() }

        var shares: [Double] { machine.shares(at: now) }

        var members: [UpstreamMember] { machine.members }

        /// The places of the next streams, each of which connects and ends.
        func places(_ count: Int, for visitor: (Int) -> UInt64? = { _ in nil }) -> [Int] {
            (0..<count).compactMap { number in
                guard let (place, lease) = pick(for: visitor(number)) else { return nil }
                connected(lease)
                released(lease)
                return place
            }
        }

        /// Sends streams, all of which fail at `place`, until it was dialed `count` times.
        func fail(_ place: Int, times count: Int = Machine.patience) -> [Machine.Effect] {
            var others = UpstreamSet()
            for other in machine.members.indices where other != place { others.insert(other) }
            return (0..<count).compactMap { _ in
                guard let (_, lease) = pick(besides: others) else { return nil }
                return failed(lease)
            }
        }

        func wait(_ duration: Duration) { now = now.advanced(by: duration) }

        func check(_ place: Int, passes: Bool) -> [Machine.Effect] {
            machine.checked(
                Self.address(place),
                passes ? nil : UpstreamPoolTests.refused,
                after: .milliseconds(1),
                at: now
            )
        }
    }

    static let refused = RstreamError(
        code: .upstreamUnreachable,
        origin: .upstream,
        retry: .afterBackoff,
        what: "refused"
    )

    // MARK: Balance

    @Test("gives each its turn by weight, and spreads the turns of a heavy one")
    func roundRobin() {
        let pool = Pool(weights: [5, 1, 1])
        #expect(pool.places(7) == [0, 0, 1, 0, 2, 0, 0])
        #expect(pool.places(7) == [0, 0, 1, 0, 2, 0, 0])
        let equal = Pool(weights: [1, 1, 1])
        #expect(equal.places(6) == [0, 1, 2, 0, 1, 2])
    }

    @Test("is fair in proportion to any weights", arguments: [UInt64(1), 2, 3])
    func fairness(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let weights = (0..<Int.random(in: 2...64, using: &random)).map { _ in Int.random(in: 1...256, using: &random) }
        let pool = Pool(weights: weights)
        let total = weights.reduce(0, +)
        let places = pool.places(total)
        for (place, weight) in weights.enumerated() {
            let count = places.count { $0 == place }
            #expect(count == weight, "\(place) of \(weights)")
        }
    }

    @Test("leastStreams goes to the one with the fewest streams for its weight")
    func leastStreams() {
        let pool = Pool(weights: [2, 1], balance: .leastStreams)
        var leases: [Lease] = []
        var places: [Int] = []
        for _ in 0..<6 {
            guard let (place, lease) = pool.pick() else { continue }
            places.append(place)
            leases.append(lease)
        }
        #expect(places.count { $0 == 0 } == 4 && places.count { $0 == 1 } == 2, "\(places)")
        // The first one's streams end.
        for (place, lease) in zip(places, leases) where place == 0 { pool.released(lease) }
        #expect(pool.pick()?.place == 0)
        #expect(pool.pick()?.place == 0)
    }

    @Test("source: a visitor stays, and when an upstream goes only its own visitors move")
    func source() {
        let visitors = (0..<2_000).map { IPAddress.v4(0x0A00_0000 + UInt32($0)).visitorNumber }
        let pool = Pool(weights: [1, 1, 2], balance: .source)
        let before = pool.places(visitors.count) { visitors[$0] }
        let again = pool.places(visitors.count) { visitors[$0] }
        #expect(before == again)
        let shares = (0..<3).map { place in Double(before.count { $0 == place }) / Double(visitors.count) }
        #expect(
            abs(shares[0] - 0.25) < 0.05 && abs(shares[1] - 0.25) < 0.05 && abs(shares[2] - 0.5) < 0.05,
            "\(shares)"
        )
        // The second goes.
        pool.configure([(0, 1), (2, 2)], balance: .source)
        let after = pool.places(visitors.count) { visitors[$0] }.map { $0 == 1 ? 2 : $0 }
        let moved = zip(before, after).count { $0 != $1 }
        let homeless = before.count { $0 == 1 }
        #expect(moved == homeless)
        // Those of one that is ejected return to it.
        pool.configure([(0, 1), (1, 1), (2, 2)], balance: .source)
        _ = pool.fail(0)
        #expect(!pool.places(visitors.count) { visitors[$0] }.contains(0))
        pool.wait(.seconds(1))
        let returned = pool.places(visitors.count) { visitors[$0] }
        #expect(returned == before)
        // Nothing is known of a visitor.
        #expect(Set(pool.places(8)) == [0, 1, 2])
    }

    @Test("counts a mapped address as the IPv4 address")
    func mapped() {
        #expect(IPAddress("::ffff:192.0.2.1")?.visitorNumber == IPAddress("192.0.2.1")?.visitorNumber)
        #expect(IPAddress("2001:db8::1")?.visitorNumber != IPAddress("2001:db8::2")?.visitorNumber)
    }

    @Test("uses backups only while no other can be used")
    func backups() {
        let pool = Pool(weights: [1, 1, 1], backups: [2])
        #expect(!pool.places(10).contains(2))
        _ = pool.fail(0)
        #expect(Set(pool.places(4)) == [1])
        _ = pool.fail(1)
        #expect(Set(pool.places(4)) == [2])
        #expect(pool.shares == [0, 0, 1])
        pool.wait(.seconds(1))
        #expect(!pool.places(4).contains(2))
        #expect(pool.shares == [0.5, 0.5, 0])
    }

    // MARK: Ejection

    @Test("leaves one alone after three dials in a row, for a second, and twice as long after each trial that fails")
    func ejection() throws {
        let pool = Pool(weights: [1, 1])
        #expect(pool.fail(0, times: 2).isEmpty)
        #expect(Set(pool.places(2)) == [0, 1], "a success between them counts anew")
        #expect(pool.fail(0, times: 2).isEmpty)
        let until = pool.now.advanced(by: .seconds(1))
        #expect(pool.fail(0, times: 1) == [.ejected(Pool.address(0), Self.refused, until: until)])
        #expect(pool.places(4) == [1, 1, 1, 1])
        for seconds in [2, 4, 8, 16, 32, 60, 60] {
            let due = try #require(pool.members[0].ejectedUntil)
            pool.now = due.advanced(by: .milliseconds(-1))
            #expect(pool.places(2) == [1, 1])
            pool.wait(.milliseconds(1))
            // One stream tries it, and the others go on without it.
            var trials: [Lease] = []
            for _ in 0..<6 {
                guard let (place, lease) = pool.pick() else { continue }
                if place == 0 { trials.append(lease) } else { pool.released(lease) }
            }
            let trial = try #require(trials.first)
            #expect(trials.count == 1)
            #expect(pool.failed(trial) == nil)
            #expect(pool.members[0].ejectedUntil == pool.now.advanced(by: .seconds(seconds)))
        }
    }

    @Test("takes an ejected one back when its trial succeeds, and says so once")
    func recovery() throws {
        let pool = Pool(weights: [1, 1])
        _ = pool.fail(0)
        pool.wait(.seconds(1))
        var effects: [Machine.Effect] = []
        for _ in 0..<4 {
            guard let (_, lease) = pool.pick() else { continue }
            if let effect = pool.connected(lease) { effects.append(effect) }
        }
        #expect(effects == [.restored(Pool.address(0))])
        #expect(pool.members[0].ejectedUntil == nil && pool.members[0].isReachable)
        // The next ejection is short again.
        let again = pool.fail(0)
        #expect(again == [.ejected(Pool.address(0), Self.refused, until: pool.now.advanced(by: .seconds(1)))])
    }

    @Test("has streams try all when none can be used, and does not make ejections longer for that")
    func lastResort() throws {
        let pool = Pool(weights: [1, 1])
        _ = pool.fail(0)
        _ = pool.fail(1)
        let due = pool.members.map(\.ejectedUntil)
        var tried = UpstreamSet()
        let first = try #require(pool.pick())
        tried.insert(first.place)
        pool.failed(first.lease)
        let second = try #require(pool.pick(besides: tried))
        #expect(second.place != first.place)
        tried.insert(second.place)
        #expect(pool.pick(besides: tried) == nil)
        #expect(pool.members.map(\.ejectedUntil) == due)
        #expect(pool.shares == [0.5, 0.5])
        // One that takes a stream in spite of all is back.
        let restored = pool.connected(second.lease)
        #expect(restored == .restored(Pool.address(second.place)))
    }

    @Test("never ejects one that is alone, also when the others leave")
    func alone() {
        let pool = Pool(weights: [1])
        #expect(pool.fail(0, times: 20).isEmpty)
        #expect(pool.members[0].ejectedUntil == nil && !pool.members[0].isReachable)
        let pair = Pool(weights: [1, 1])
        _ = pair.fail(0)
        pair.configure([(0, 1)])
        #expect(pair.members[0].ejectedUntil == nil)
        #expect(pair.pick()?.place == 0)
    }

    @Test("does not hold a failure of this host, or a late one, against an upstream")
    func innocence() throws {
        let pool = Pool(weights: [1, 1])
        let noPort = RstreamError(code: .upstreamUnreachable, origin: .host, retry: .afterBackoff, what: "no port")
        for _ in 0..<20 {
            let (_, lease) = try #require(pool.pick())
            #expect(pool.failed(lease, noPort) == nil)
        }
        let start = pool.now
        let late = try (0..<8).map { _ in try #require(pool.pick()).lease }
        pool.wait(.seconds(1))
        _ = pool.places(2)
        for lease in late { #expect(pool.failed(lease, since: start) == nil) }
        #expect(pool.members.allSatisfy { $0.isReachable })
    }

    // MARK: Checks

    @Test("believes the first check at once, and later ones as rise and fall say")
    func checks() {
        let pool = Pool(weights: [1, 1], health: UpstreamHealthOptions(rise: 2, fall: 3))
        #expect(pool.check(0, passes: false) == [.unhealthy(Pool.address(0), Self.refused)])
        #expect(pool.places(3) == [1, 1, 1])
        #expect(pool.check(0, passes: true).isEmpty)
        #expect(pool.check(0, passes: false).isEmpty)
        #expect(pool.check(0, passes: true).isEmpty)
        #expect(pool.check(0, passes: true) == [.healthy(Pool.address(0))])
        #expect(pool.check(1, passes: true).isEmpty)
        #expect(pool.check(1, passes: false).isEmpty)
        #expect(pool.check(1, passes: false).isEmpty)
        #expect(pool.check(1, passes: false) == [.unhealthy(Pool.address(1), Self.refused)])
    }

    @Test("says when no upstream is healthy, and when one is again; streams try all meanwhile")
    func servable() {
        let pool = Pool(weights: [1, 1], backups: [1], health: UpstreamHealthOptions(rise: 1, fall: 1))
        _ = pool.check(0, passes: false)
        #expect(pool.check(1, passes: false) == [.unhealthy(Pool.address(1), Self.refused), .servable(false)])
        #expect(!pool.machine.isServable)
        #expect(pool.places(2) == [0, 0])
        #expect(pool.check(1, passes: true) == [.healthy(Pool.address(1)), .servable(true)])
        #expect(pool.places(2) == [1, 1])
        pool.rest()
        #expect(pool.machine.isServable && pool.places(2) == [0, 0])
    }

    @Test("tries an ejected one at once when it passes a check")
    func checkedEjection() {
        let pool = Pool(weights: [1, 1], health: UpstreamHealthOptions())
        _ = pool.fail(0)
        #expect(pool.places(2) == [1, 1])
        #expect(pool.check(0, passes: true).isEmpty)
        #expect(Set(pool.places(2)) == [0, 1])
    }

    @Test("ignores checks of upstreams that left, and forgets them when there are no checks any more")
    func checksEnd() {
        let pool = Pool(weights: [1, 1], health: UpstreamHealthOptions(rise: 1, fall: 1))
        #expect(pool.check(7, passes: false).isEmpty)
        _ = pool.check(0, passes: false)
        pool.configure([(0, 1), (1, 1)])
        #expect(pool.check(1, passes: false).isEmpty)
        #expect(Set(pool.places(2)) == [0, 1])
    }

    // MARK: Changes

    @Test("keeps what it knows of an address over a change, and tells streams of the list before")
    func change() throws {
        let pool = Pool(weights: [1, 1])
        let (_, lease) = try #require(pool.pick())
        _ = pool.fail(1)
        let before = pool.machine.lineup
        pool.configure([(2, 1), (1, 3), (0, 1)])
        #expect(pool.pick(in: before) == .outdated)
        let expected = [Pool.address(2), Pool.address(1), Pool.address(0)]
        #expect(pool.members.map(\.address) == expected)
        #expect(pool.members[1].ejectedUntil != nil && pool.members[1].weight == 3)
        #expect(pool.members[2].active == 1)
        pool.released(lease, isBroken: true)
        #expect(pool.members[2].active == 0 && pool.members[2].failed == 1)
        // One that has left is forgotten, and what its streams report too.
        pool.configure([(1, 1), (2, 1)])
        pool.connected(lease)
        pool.released(lease)
        #expect(pool.members.allSatisfy { $0.active == 0 })
    }

    @Test("whatever happens, counts are right and a stream finds an upstream that it has not tried", arguments: 0..<8)
    func walk(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let balance = try #require(UpstreamBalance.allCases.randomElement(using: &random))
        let options = UpstreamHealthOptions(rise: 1, fall: 2)
        let pool = Pool(weights: [1, 2, 3, 1], backups: [3], balance: balance, health: options)
        var open: [(lease: Lease, isConnected: Bool)] = []
        for _ in 0..<5_000 {
            switch Int.random(in: 0..<8, using: &random) {
            case 0...2:
                var tried = UpstreamSet()
                for place in pool.members.indices where Int.random(in: 0..<4, using: &random) == 0 {
                    tried.insert(place)
                }
                let picked = pool.pick(for: UInt64.random(in: 0..<9, using: &random), besides: tried)
                #expect((picked == nil) == (tried.count == pool.members.count))
                guard let picked else { continue }
                #expect(!tried.contains(picked.place))
                open.append((picked.lease, false))
            case 3, 4:
                guard let index = open.indices.randomElement(using: &random) else { continue }
                let stream = open.remove(at: index)
                if stream.isConnected {
                    pool.released(stream.lease, isBroken: Bool.random(using: &random))
                } else if Bool.random(using: &random) {
                    pool.connected(stream.lease)
                    open.append((stream.lease, true))
                } else {
                    pool.failed(stream.lease)
                }
            case 5: pool.wait(.milliseconds(Int.random(in: 1...3_000, using: &random)))
            case 6: _ = pool.check(Int.random(in: 0..<4, using: &random), passes: Bool.random(using: &random))
            default:
                guard Int.random(in: 0..<20, using: &random) == 0 else { continue }
                let weights = (0..<4).map { ($0, Int.random(in: 1...9, using: &random)) }
                pool.configure(weights.shuffled(using: &random), backups: [3], balance: balance, health: options)
            }
            for member in pool.members {
                #expect(member.active == open.count { $0.lease.id == member.id })
                #expect(member.failed <= member.total)
            }
            let shares = pool.shares.reduce(0, +)
            #expect(abs(shares - 1) < 0.001)
        }
    }
}
