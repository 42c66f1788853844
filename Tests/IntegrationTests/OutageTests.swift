// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

extension Integration {
    /// A network that fails and comes back, as a host sees it, between the real binaries.
    ///
    /// What the host can see is tried with waits of an hour too, where nothing but the watcher of the network brings a
    /// session back in time; its tunnels may have to wait until the engine has noticed that the old session is gone.
    @Suite(
        .enabled("\(NetworkCable.needs)") { await NetworkCable.isPossible() }
    )
    struct OutageTests {
        private static let patient = "reconnect: { minimum: 1h, maximum: 1h, rejected: 1h }"
        fileprivate static let back = "session restored"
        private static let lost = "session down, retrying"
        fileprivate static let interface = NetworkCable.interface
        fileprivate static let liveness = Duration.seconds(8)
        /// How long the engine takes to notice that a session is gone, and keeps the names of its tunnels: the dev engine
        /// waits for twice the timeout.
        fileprivate static let kept = liveness * 2
        /// A try of the tunnel's after that: they are some seconds apart by then.
        fileprivate static let retry = Duration.seconds(8)

        @Test("a link that comes up brings back at once the session that was lost with it")
        func link() async throws {
            for (settings, sign) in [(Self.patient, "engine connected"), ("", Self.back)] {
                try await Self.withDaemon(settings) { host in
                    try await host.expect(sign, "link down and up") {
                        try await host.cable.ip(host.cable.daemon, "link set \(Self.interface) down")
                        try await host.daemon.logged(Self.lost, within: .seconds(60))
                    } mend: {
                        try await host.cable.ip(host.cable.daemon, "link set \(Self.interface) up")
                    }
                    if sign == Self.back { try await host.visit() }
                }
            }
        }

        @Test("another address brings back at once the session that was lost with the old one")
        func address() async throws {
            for (settings, sign) in [(Self.patient, "engine connected"), ("", Self.back)] {
                try await Self.withDaemon(settings) { host in
                    try await host.expect(sign, "address changed in one go") {
                        try await host.lose(host.cable.daemon.address)
                    } mend: {
                        try await host.get("10.99.0.3")
                    }
                    try await host.expect(sign, "address gone, another one later") {
                        let mark = host.daemon.mark
                        try await host.lose("10.99.0.3")
                        // An attempt at once, for which there is no way out.
                        try await host.daemon.logged("session still down", from: mark)
                    } mend: {
                        try await host.get("10.99.0.4")
                    }
                    if sign == Self.back { try await host.visit() }
                }
            }
        }

        @Test("a black hole in either direction, which no host can see, is survived", arguments: ["input", "output"])
        func blackHole(direction: String) async throws {
            try await Self.withDaemon("") { host in
                let end = host.cable.daemon
                let port = direction == "input" ? "sport" : "dport"
                try await host.expect(Self.back, "black hole for \(direction)", isSeen: false) {
                    try await host.cable.drop(end, direction, "tcp \(port) \(host.engine.port)")
                    try await host.daemon.logged(Self.lost, within: .seconds(60))
                } mend: {
                    try await host.cable.heal(end)
                }
                try await host.visit()
            }
        }

        private static func withDaemon(_ settings: String, _ body: (CabledHost) async throws -> Void) async throws {
            try await CabledHost.with(
                settings,
                engine: ["--liveness-timeout", "\(liveness.components.seconds)s"]
            ) { host in
                try await host.visit()
                try await body(host)
            }
        }
    }
}

private typealias Outage = Integration.OutageTests

extension CabledHost {
    /// Breaks the network and mends it; the daemon must say `sign` soon after. What the host sees of the mending is not
    /// waited for any longer than the engine makes it.
    fileprivate func expect(
        _ sign: String,
        _ what: String,
        isSeen: Bool = true,
        break: () async throws -> Void,
        mend: () async throws -> Void
    ) async throws {
        let mark = daemon.mark
        let began = ContinuousClock.now
        try await `break`()
        let (mended, mendedMark) = (ContinuousClock.now, daemon.mark)
        try await mend()
        try await daemon.logged(
            sign,
            from: sign == Outage.back ? mark : mendedMark,
            within: .seconds(90)
        )
        let now = ContinuousClock.now
        if sign == Outage.back, isSeen {
            // A tunnel serves when the session is said to be back, and does so where it did before.
            #expect(
                now - began < max(mended - began, Outage.kept) + Outage.retry + longestStall,
                "\(what)"
            )
            #expect(!daemon.log.contains { $0.message == "tunnel online at another address" }, "\(what)")
        }
        print(
            """
            \(what): \(sign) \((now - mended).secondsText) after the mending, \
            \((now - began).secondsText) after the break
            """
        )
        #expect(daemon.process.isRunning)
    }

    fileprivate func lose(_ address: String) async throws {
        try await cable.ip(cable.daemon, "addr del \(address)/24 dev \(Outage.interface)")
    }

    fileprivate func get(_ address: String) async throws {
        try await cable.ip(cable.daemon, "addr add \(address)/24 dev \(Outage.interface)")
    }

    /// A visitor gets the page.
    fileprivate func visit() async throws {
        let address = try #require(address)
        #expect(try await page() == ["1 \(address)"])
    }
}
