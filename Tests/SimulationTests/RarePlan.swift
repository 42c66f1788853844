// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel

/// Plans of what seeds seldom come to.
struct RarePlan {
    typealias Item = SimulatedPlan.Item

    let name: String
    let plan: SimulatedPlan

    private init(_ name: String, holds: Bool = false, _ items: [Item]...) {
        self.name = name
        var plan = SimulatedPlan(seed: 1, items: Array(items.joined()))
        plan.holds = holds
        self.plan = plan
    }

    static let all: [RarePlan] = [
        crashes, requests, takeBack, orphans, fullTunnel, burst, held, abandoned, forgotten, refusedTunnels,
        refusedSession, late, impatient,
    ]

    private static func visits(_ times: [Int], to tunnel: Int = 0) -> [Item] {
        times.map { Item(time: $0, event: .visit(tunnel: tunnel)) }
    }

    private static func reloads(_ edits: [(time: Int, edit: SimulatedConfiguration.Edit)]) -> [Item] {
        edits.flatMap { time, edit in
            [Item(time: time, event: .edit(edit)), Item(time: time, event: .reload)]
        }
    }

    // MARK: The engine is gone

    private static let gone = Item(time: 5_000, event: .restartEngine(down: 60_000, keepsMemory: true, isSilent: false))

    /// The daemon dies again and again while the engine is gone, so that a schedule that is forgotten shows.
    private static let crashes = RarePlan(
        "a daemon that dies without an engine",
        [gone],
        stride(from: 10_000, to: 60_000, by: 7_000).map { Item(time: $0, event: .crash(newest: true, down: 50)) }
    )

    /// Whatever may ask for an attempt does so while sessions wait, and then the service is stopped.
    private static let requests = RarePlan(
        "requests without an engine",
        [gone],
        three(.networkChange, from: 16_000),
        three(.retry, from: 19_000),
        three(.renew, from: 22_000),
        three(.changeFiles, from: 25_000),
        [Item(time: 57_000, event: .stop(down: 500))]
    )

    private static func three(_ event: SimulatedPlan.Event, from time: Int) -> [Item] {
        [0, 13_000, 26_000].map { Item(time: time + $0, event: event) }
    }

    // MARK: Take-overs

    /// The engine grants nothing in the middle of a take-over, which is called off; a reload has to wait for that.
    private static let takeBack = RarePlan(
        "a take-over that is called off",
        [
            Item(time: 10_000, event: .rejectTunnels(.serviceUnavailable, lasting: 30_000)),
            Item(time: 10_000, event: .upgrade),
            Item(time: 12_000, event: .edit(.label(0))),
            Item(time: 12_000, event: .reload),
        ]
    )

    /// A program takes over that does not want all tunnels, and during the next take-over a reload wants all again.
    private static let orphans = RarePlan(
        "a take-over without one of the tunnels",
        [
            Item(time: 9_000, event: .edit(.remove(0))),
            Item(time: 10_000, event: .upgrade),
            Item(time: 40_000, event: .slowNetwork(by: 200, lasting: 10_000)),
            Item(time: 40_000, event: .upgrade),
            Item(time: 40_500, event: .edit(.restore)),
            Item(time: 40_500, event: .reload),
        ]
    )

    // MARK: Streams

    /// A tunnel that may have one stream gets several.
    private static let fullTunnel = RarePlan(
        "a full tunnel",
        [
            Item(time: 1_000, event: .edit(.limit(0, 1))),
            Item(time: 1_000, event: .edit(.label(0))),
            Item(time: 2_000, event: .crash(newest: true, down: 50)),
        ],
        visits((0..<5).map { 10_000 + $0 * 50 })
    )

    /// More visitors at once than may be opened, wait and find warm connections; then services are silent or refuse.
    private static let burst = RarePlan(
        "visitors at once",
        visits(Array(repeating: 5_000, count: 6)),
        visits(Array(repeating: 6_000, count: 6)),
        [
            Item(time: 10_000, event: .upstream(tunnel: 0, port: nil, .isSilent, lasting: 5_000)),
            Item(time: 10_000, event: .upstream(tunnel: 1, port: nil, .refuses, lasting: 10_000)),
        ],
        visits([11_000, 11_500]),
        visits([11_000, 12_000], to: 1)
    )

    /// Streams wait for a service that refuses them, on a fast network and on a slow one.
    private static let held = RarePlan(
        "streams that wait for their service",
        holds: true,
        [
            Item(time: 10_000, event: .upstream(tunnel: 0, port: nil, .refuses, lasting: 2_000)),
            Item(time: 20_000, event: .slowNetwork(by: 1_000, lasting: 20_000)),
            Item(time: 30_000, event: .upstream(tunnel: 0, port: nil, .refuses, lasting: 3_500)),
        ],
        visits([10_000, 10_500, 30_000])
    )

    /// The engine closes the control channel as visitors come.
    private static let abandoned = RarePlan(
        "visitors at the end of a channel",
        stride(from: 10_000, to: 80_000, by: 5_000).flatMap { time in
            visits([time, time]) + [Item(time: time, event: .closeChannel)]
        }
    )

    // MARK: The engine's answers

    /// A router forgets the control channel and says nothing.
    private static let forgotten = RarePlan(
        "a channel that a router forgets",
        [Item(time: 5_000, event: .reset(message: 1, .neither))]
    )

    /// The engine rejects what a retry does not change, and the next attempt comes before it gets quiet.
    private static let refusedTunnels = RarePlan(
        "tunnels that are rejected",
        [Item(time: 0, event: .rejectTunnels(.unauthorized, lasting: 10_000))]
    )

    private static let refusedSession = RarePlan(
        "a session that is rejected",
        [Item(time: 0, event: .rejectSessions(.unauthorized, lasting: 10_000))]
    )

    /// Reloads while the engine has not answered the requests of the reload before.
    private static let late = RarePlan(
        "reloads before late answers",
        [Item(time: 0, event: .answerLate(by: 3_000, lasting: 70_000))],
        reloads([
            (4_000, .label(1)), (20_000, .exchange(0)), (21_000, .remove(0)), (40_000, .restore), (55_000, .label(1)),
            (56_000, .remove(1)),
        ])
    )

    /// The engine closes warm connections as streams take them: while their first frame is withheld, and when it was
    /// sent. A new channel knows nothing of how long connections may be silent.
    private static let impatient = RarePlan(
        "warm connections that end as they are taken",
        [
            Item(time: 2_000, event: .losePatience(lasting: 85_000)),
            Item(time: 11_500, event: .upstream(tunnel: 0, port: nil, .isSilent, lasting: 2_500)),
        ],
        visits([10_000, 10_000, 10_500, 10_500, 12_200]),
        stride(from: 20_000, to: 84_000, by: 8_000).flatMap { time in
            visits([0, 0, 500, 500, 2_520, 2_550].map { time + $0 })
        },
        stride(from: 25_000, to: 84_000, by: 8_000).map { Item(time: $0, event: .closeChannel) }
    )
}
