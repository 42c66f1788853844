// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The decisions about tunnels by hand")
struct TunnelsByHandTests {
    private typealias Owner = TunnelsByHand.Owner
    private final class Connection {}

    private static let start = ContinuousClock.now

    private static func entry(
        _ name: String,
        user: UInt32 = 1_000,
        connection: ClientConnection? = nil,
        after seconds: Int? = nil
    ) -> TunnelsByHand.Entry {
        TunnelsByHand.Entry(
            name: name,
            user: user,
            owner: connection.map(TunnelsByHand.Owner.connection) ?? .detached,
            endsAt: seconds.map { start.advanced(by: .seconds($0)) }
        )
    }

    @Test("one ends with the connection that has opened it, and no other does")
    func connection() {
        let (first, second) = (Connection(), Connection())
        var tunnels = TunnelsByHand()
        tunnels.opened(Self.entry("a", connection: ClientConnection(first)))
        tunnels.opened(Self.entry("b", connection: ClientConnection(second)))
        tunnels.opened(Self.entry("c"))
        tunnels.opened(Self.entry("d", connection: ClientConnection(first)))
        let ends = tunnels.connectionEnded(ClientConnection(first))
        #expect(ends == [.init(name: "a", why: .ownerGone), .init(name: "d", why: .ownerGone)])
        #expect(tunnels.entries.map(\.name) == ["b", "c"])
        let again = tunnels.connectionEnded(ClientConnection(first))
        #expect(again.isEmpty)
    }

    @Test("one ends when its time is over, and not before")
    func time() {
        var tunnels = TunnelsByHand()
        #expect(tunnels.nextEnd == nil)
        tunnels.opened(Self.entry("late", after: 20))
        tunnels.opened(Self.entry("early", after: 10))
        tunnels.opened(Self.entry("endless"))
        #expect(tunnels.nextEnd == Self.start.advanced(by: .seconds(10)))
        let before = tunnels.timePassed(now: Self.start.advanced(by: .milliseconds(9_999)))
        #expect(before.isEmpty)
        let first = tunnels.timePassed(now: Self.start.advanced(by: .seconds(10)))
        #expect(first == [.init(name: "early", why: .timeOver)])
        #expect(tunnels.nextEnd == Self.start.advanced(by: .seconds(20)))
        let second = tunnels.timePassed(now: Self.start.advanced(by: .seconds(100)))
        #expect(second == [.init(name: "late", why: .timeOver)])
        #expect(tunnels.nextEnd == nil)
        #expect(tunnels.entries.map(\.name) == ["endless"])
    }

    @Test("one is closed by its name, whatever else would end it")
    func closed() {
        var tunnels = TunnelsByHand()
        tunnels.opened(Self.entry("a", connection: ClientConnection(self.connectionObject), after: 5))
        let unknown = tunnels.closed("b")
        #expect(unknown.isEmpty)
        let ends = tunnels.closed("a")
        #expect(ends == [.init(name: "a", why: .closed)])
        #expect(tunnels.entries.isEmpty && tunnels.nextEnd == nil)
    }

    private let connectionObject = Connection()

    @Test("a reload ends those whose name a file has, and those whose context is gone; deciding changes nothing")
    func reload() {
        var tunnels = TunnelsByHand()
        for name in ["a", "b", "c"] { tunnels.opened(Self.entry(name)) }
        let before = tunnels
        // A name that is taken makes the definition impossible, too.
        let ends = tunnels.ends(taken: ["b", "web"], lost: ["b", "c"])
        #expect(ends == [.init(name: "b", why: .nameTaken), .init(name: "c", why: .contextGone)])
        #expect(tunnels == before)
        tunnels.ended(ends)
        #expect(tunnels.entries.map(\.name) == ["a"])
        #expect(tunnels.ends(taken: ["web"], lost: []).isEmpty)
    }

    @Test("a user has a limit of their own, trusted users have only the one of all")
    func limits() {
        var tunnels = TunnelsByHand()
        for index in 0..<TunnelsByHand.mostOfUser { tunnels.opened(Self.entry("a\(index)", user: 1)) }
        #expect(tunnels.refusal(user: 1, isTrusted: false) == .tooManyOfUser(most: TunnelsByHand.mostOfUser))
        #expect(tunnels.refusal(user: 1, isTrusted: true) == nil)
        #expect(tunnels.refusal(user: 2, isTrusted: false) == nil)
        for index in TunnelsByHand.mostOfUser..<TunnelsByHand.most { tunnels.opened(Self.entry("a\(index)", user: 0)) }
        for (user, isTrusted) in [(UInt32(1), false), (2, false), (0, true)] {
            #expect(tunnels.refusal(user: user, isTrusted: isTrusted) == .tooMany(most: TunnelsByHand.most))
        }
        _ = tunnels.closed("a0")
        #expect(tunnels.refusal(user: 1, isTrusted: false) == nil)
    }

    private static func awaited(_ name: String, user: UInt32 = 1_000) -> TunnelsByHand.Entry {
        TunnelsByHand.Entry(name: name, user: user, owner: .awaited(until: nil), endsAt: nil)
    }

    /// Those of a process before this one, which is the daemon since ``start``.
    private static func adopted(_ entries: [TunnelsByHand.Entry]) -> TunnelsByHand {
        var tunnels = TunnelsByHand()
        for entry in entries {
            let ending = tunnels.adopted(entry, isTrusted: false)
            #expect(ending == nil)
        }
        tunnels.takenOver(now: start)
        return tunnels
    }

    @Test("after a take-over one that had a connection ends unless it is claimed in time, and a detached one goes on")
    func notClaimed() {
        var tunnels = Self.adopted([Self.awaited("owned"), Self.entry("detached"), Self.entry("short", after: 5)])
        let end = Self.start.advanced(by: TunnelsByHand.claimTime)
        #expect(tunnels.nextEnd == Self.start.advanced(by: .seconds(5)))
        let first = tunnels.timePassed(now: end - .milliseconds(1))
        #expect(first == [.init(name: "short", why: .timeOver)])
        #expect(tunnels.nextEnd == end)
        let second = tunnels.timePassed(now: end)
        #expect(second == [.init(name: "owned", why: .notClaimed)])
        #expect(tunnels.entries.map(\.name) == ["detached"])
        #expect(tunnels.nextEnd == nil)
    }

    @Test("while the process before this one is the daemon, nothing ends for want of a claim")
    func notTakenOver() {
        var tunnels = TunnelsByHand()
        let ending = tunnels.adopted(Self.awaited("a"), isTrusted: false)
        #expect(ending == nil && tunnels.nextEnd == nil)
        let ends = tunnels.timePassed(now: Self.start.advanced(by: .seconds(3_600)))
        #expect(ends.isEmpty)
    }

    @Test("a claimed one belongs to its new connection, and ends with that alone")
    func claimed() {
        let (mine, others) = (Connection(), Connection())
        var tunnels = Self.adopted([Self.awaited("a"), Self.awaited("b")])
        let refusal = tunnels.claim("a", user: 1_000, isTrusted: false, connection: ClientConnection(mine))
        #expect(refusal == nil)
        let late = tunnels.timePassed(now: Self.start.advanced(by: .seconds(3_600)))
        #expect(late == [.init(name: "b", why: .notClaimed)])
        let foreign = tunnels.connectionEnded(ClientConnection(others))
        #expect(foreign.isEmpty)
        let ends = tunnels.connectionEnded(ClientConnection(mine))
        #expect(ends == [.init(name: "a", why: .ownerGone)])
    }

    @Test("a claim is for the same user, root or the daemon's user, and of a tunnel that has lost its connection")
    func claimRefusals() {
        let (mine, others) = (Connection(), Connection())
        var tunnels = Self.adopted([Self.awaited("a"), Self.entry("detached")])
        tunnels.opened(Self.entry("open", connection: ClientConnection(others)))
        func claim(_ name: String, user: UInt32 = 1_000, isTrusted: Bool = false) -> TunnelsByHand.ClaimRefusal? {
            tunnels.claim(name, user: user, isTrusted: isTrusted, connection: ClientConnection(mine))
        }
        #expect(claim("none") == .unknown)
        #expect(claim("a", user: 1_001) == .otherUser(owner: 1_000))
        #expect(claim("detached") == .detached)
        #expect(claim("open") == .owned)
        #expect(claim("open", user: 1_001) == .otherUser(owner: 1_000))
        #expect(claim("a", user: 0, isTrusted: true) == nil)
        #expect(claim("a") == .owned, "a second claim of the same one")
    }

    @Test("those of a process before this one count for the limits, and no more of them go on; nor one twice")
    func adoptionLimits() {
        var tunnels = TunnelsByHand()
        for index in 0..<TunnelsByHand.mostOfUser {
            let ending = tunnels.adopted(Self.awaited("a\(index)", user: 1), isTrusted: false)
            #expect(ending == nil)
        }
        #expect(tunnels.refusal(user: 1, isTrusted: false) == .tooManyOfUser(most: TunnelsByHand.mostOfUser))
        let beyond = tunnels.adopted(Self.awaited("more", user: 1), isTrusted: false)
        #expect(beyond == .notHandedOver)
        let again = tunnels.adopted(Self.awaited("a0", user: 2), isTrusted: false)
        #expect(again == .notHandedOver)
        for index in TunnelsByHand.mostOfUser..<TunnelsByHand.most {
            let ending = tunnels.adopted(Self.awaited("a\(index)", user: 0), isTrusted: true)
            #expect(ending == nil)
        }
        let last = tunnels.adopted(Self.awaited("last", user: 0), isTrusted: true)
        #expect(last == .notHandedOver)
        #expect(tunnels.entries.map(\.name) == (0..<TunnelsByHand.most).map { "a\($0)" }, "in their order")
    }

    @Test("whatever happens, each tunnel ends exactly once")
    func walk() {
        for seed in 1...50 as ClosedRange<UInt64> {
            var random = SplitMix(seed: seed)
            let owners = (0..<3).map { _ in Connection() }
            var (tunnels, open, now) = (TunnelsByHand(), Set<String>(), Self.start)
            for step in 0..<200 {
                var ends: [TunnelsByHand.End] = []
                switch Int.random(in: 0..<8, using: &random) {
                case 0, 1:
                    guard tunnels.refusal(user: 1, isTrusted: false) == nil else { continue }
                    let owner = owners.randomElement(using: &random).map { Owner.connection(ClientConnection($0)) }
                    let entry = TunnelsByHand.Entry(
                        name: "t\(step)",
                        user: 1,
                        owner: Bool.random(using: &random) ? owner ?? .detached : .detached,
                        endsAt: Bool.random(using: &random) ? now.advanced(by: .seconds(5)) : nil
                    )
                    tunnels.opened(entry)
                    open.insert(entry.name)
                case 2: ends = tunnels.connectionEnded(ClientConnection(owners[step % 3]))
                case 3:
                    now = now.advanced(by: .seconds(2))
                    ends = tunnels.timePassed(now: now)
                case 5:
                    // Another process has taken over from this one.
                    let before = tunnels
                    tunnels = TunnelsByHand()
                    for var entry in before.entries {
                        if entry.owner != .detached { entry.owner = .awaited(until: nil) }
                        let ending = tunnels.adopted(entry, isTrusted: false)
                        #expect(ending == nil)
                    }
                    tunnels.takenOver(now: now)
                case 6:
                    _ = tunnels.claim(
                        "t\(Int.random(in: 0...step, using: &random))",
                        user: 1,
                        isTrusted: false,
                        connection: ClientConnection(owners[step % 3])
                    )
                case 4: ends = tunnels.closed("t\(Int.random(in: 0...step, using: &random))")
                default:
                    let lost = open.filter { _ in Int.random(in: 0..<8, using: &random) == 0 }
                    ends = tunnels.ends(taken: [], lost: lost)
                    tunnels.ended(ends)
                }
                for end in ends {
                    let wasOpen = open.remove(end.name)
                    #expect(wasOpen != nil, "\(end) of seed \(seed)")
                }
                #expect(Set(tunnels.entries.map(\.name)) == open)
                #expect(tunnels.entries.count <= TunnelsByHand.mostOfUser)
                #expect(tunnels.entries.allSatisfy { $0.endsAt.map { $0 > now - .seconds(5) } ?? true })
            }
        }
    }
}
