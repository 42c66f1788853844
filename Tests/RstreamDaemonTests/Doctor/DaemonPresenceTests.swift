// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import Testing

@testable import RstreamDaemon

@Suite("What the doctor knows about a daemon that does not answer")
struct DaemonPresenceTests {
    @Test("follows from the error, the unit and the configured socket")
    func presence() throws {
        let silence: [AdminClientError] = [
            .silent(socket: "/s", after: .seconds(5)), .notPermitted(socket: "/s"), .cutShort(socket: "/s", bytes: 1),
            .notReachable(socket: "/s", reason: "reset"), .badReply("words"), .unknownCall("status", version: nil),
        ]
        let stopped = try #require(UnitState(show: "LoadState=loaded\nActiveState=inactive\n"))
        let running = try #require(UnitState(show: "LoadState=loaded\nActiveState=active\n"))
        for error in silence {
            for unit in [stopped, running, nil] {
                #expect(DaemonPresence(after: error, hasSocket: true, unit: unit) == .unknown, "\(error)")
            }
        }
        let absent = AdminClientError.absent(socket: "/s", reason: "there is none")
        for (hasSocket, unit, presence) in [
            (true, nil, .gone(unit: nil)), (true, stopped, .gone(unit: stopped)), (true, running, .unknown),
            // Without a socket of its own it never answers, and nobody but systemd knows.
            (false, nil, .unknown), (false, stopped, .gone(unit: stopped)), (false, running, .unknown),
        ] as [(Bool, UnitState?, DaemonPresence)] {
            let found = DaemonPresence(after: absent, hasSocket: hasSocket, unit: unit)
            #expect(found == presence, "\(hasSocket) \(String(describing: unit))")
        }
    }
}
