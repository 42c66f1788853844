// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import RstreamConfig
import RstreamModel
import Testing

@testable import RstreamDaemon

@Suite("Tunnels by hand of the process before this one")
struct OpenTunnelsByHandTests {
    private static func text(_ name: String) -> String {
        "version: 1\ntunnels:\n  - name: \(name)\n    forward: 8080\n    tunnel:\n      protocol: http\n"
    }

    private static func tunnel(
        _ name: String,
        text: String? = nil,
        user: UInt32 = 54_321,
        isDetached: Bool = false,
        until: Int64? = nil
    ) -> UpgradeMessage.Tunnel {
        UpgradeMessage.Tunnel(
            name: name,
            engine: "engine.test:443",
            isOnline: true,
            byHand: UpgradeMessage.ByHand(
                file: text ?? self.text(name),
                user: user,
                process: 7,
                isDetached: isDetached,
                until: until
            )
        )
    }

    /// As the request loop does it.
    private static func adopt(_ tunnels: [UpgradeMessage.Tunnel]) -> OpenTunnelsByHand {
        var open = OpenTunnelsByHand()
        for tunnel in tunnels {
            let entry = tunnel.byHand.flatMap { try? TunnelByHand(text: $0.file, user: $0.rights) }
            open.adopt(tunnel, entry)
        }
        return open
    }

    @Test("go on in their order, with their owners and their times")
    func order() throws {
        let until = UTCTime.now.advanced(by: .seconds(3_600)).milliseconds
        let open = Self.adopt([Self.tunnel("b", until: until), Self.tunnel("a", isDetached: true)])
        #expect(open.decisions.entries.map(\.name) == ["b", "a"])
        #expect(open.decisions.entries.map(\.owner) == [.awaited(until: nil), .detached])
        #expect(open.notAdopted.isEmpty)
        let left = ContinuousClock.now.duration(to: try #require(open.decisions.entries[0].endsAt))
        #expect((.seconds(3_000)...(.seconds(3_600))).contains(left), "\(left)")
        let owner = try #require(open.entries["b"]?.owner)
        #expect(owner.user == 54_321 && owner.process == 7 && !owner.isDetached)
        #expect(owner.endsAt?.milliseconds == until)
        #expect(open.entries["a"]?.owner.endsAt == nil)
    }

    @Test("say to the next process what the process before this one has said")
    func again() throws {
        let tunnel = Self.tunnel("a", isDetached: true, until: 1_900_000_000_123)
        let (entry, owner) = try #require(Self.adopt([tunnel]).entries["a"])
        #expect(UpgradeMessage.ByHand(entry, owner) == tunnel.byHand)
    }

    @Test("have the rights of their users")
    func rights() {
        #expect(Self.tunnel("a", user: 0).byHand?.rights == nil)
        #expect(Self.tunnel("a", user: 54_321).byHand?.rights == 54_321)
    }

    @Test(
        "end where their entries cannot be read, and leave the others alone",
        arguments: [
            "", "{", "tunnels: []", "version: 1\n", text("other"), text("bad") + "  - name: bad2\n    forward: 1\n",
            "version: 1\ntunnels:\n  - name: bad\n    forward: 8080\n    tunnel:\n      protcol: http\n",
            "version: 1\ntunnels:\n  - &a [*a]\n", String(repeating: "[", count: 60_000), "\u{0}",
            // No user may give a context of their own.
            text("bad") + "    context: { engine: e.test, noToken: true }\n",
        ]
    )
    func unreadable(text: String) {
        var open = Self.adopt([Self.tunnel("good"), Self.tunnel("bad", text: text), Self.tunnel("better")])
        #expect(open.decisions.entries.map(\.name) == ["good", "better"])
        #expect(Set(open.entries.keys) == ["good", "better"])
        let told = open.takenOver(now: .now)
        #expect(told == [.init(name: "bad", why: .notHandedOver)])
        let again = open.takenOver(now: .now)
        #expect(again.isEmpty, "each is told once")
    }

    @Test("end at once where their time is over, whatever it was", arguments: [.min, -1, 0, 1, .max])
    func time(until: Int64) {
        let open = Self.adopt([Self.tunnel("a", until: until)])
        let left = open.decisions.entries.compactMap(\.endsAt).map { ContinuousClock.now.duration(to: $0) }
        #expect(left.count == 1 && left[0] <= .seconds(366 * 24 * 60 * 60))
        if until <= 1 { #expect(left[0] <= .zero) }
    }

    @Test("one that is handed over twice goes on once, and more than there may be end")
    func limits() {
        let many = (0..<TunnelsByHand.most + 8).map { Self.tunnel("t\($0)", user: 0) }
        var open = Self.adopt([many[0]] + many)
        #expect(open.decisions.entries.map(\.name) == many.prefix(TunnelsByHand.most).map(\.name))
        let told = open.takenOver(now: .now)
        #expect(told.count == 9 && told.allSatisfy { $0.why == .notHandedOver })
        #expect(open.entries["t0"] != nil)
    }

    @Test("end where the files do not leave them, and are told of when this process is the daemon")
    func left() {
        var open = Self.adopt([Self.tunnel("taken"), Self.tunnel("mine")])
        open.leave(open.decisions.ends(taken: ["taken"], lost: []))
        #expect(open.decisions.entries.map(\.name) == ["mine"] && open.entries["taken"] == nil)
        let told = open.takenOver(now: .now)
        #expect(told == [.init(name: "taken", why: .nameTaken)])
    }
}
