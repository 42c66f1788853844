// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamModel
import Testing

@testable import rstreamctl

@Suite("The events of a tunnel by hand")
struct TunnelEventsTests {
    private static func event(_ id: Int, of tunnel: String?, after seconds: Int = 0) -> Event {
        var event = Event(id: id, time: Sample.now.advanced(by: .seconds(seconds)), type: "stream.opened")
        event.tunnel = tunnel
        return event
    }

    private static func opened() -> TunnelEvents {
        var tunnel = Sample.tunnel("t")
        tunnel.since = Sample.now
        var events = TunnelEvents(of: "t")
        events.opened(tunnel)
        return events
    }

    @Test("are those of its name since it was opened")
    func own() {
        var events = Self.opened()
        let all = [
            Self.event(1, of: "t", after: -1), Self.event(2, of: "t"), Self.event(3, of: "web"),
            Self.event(4, of: nil), Self.event(5, of: "t", after: 60),
        ]
        var taken: [Int] = []
        for event in all where events.take(event) { taken.append(event.id) }
        #expect(taken == [2, 5])
        var early = TunnelEvents(of: "t")
        let isEarly = early.take(Self.event(1, of: "t"))
        #expect(!isEarly, "it is not opened yet")
    }

    @Test("go on after the last one of any tunnel, also in another process, whose numbers are others")
    func last() {
        var events = Self.opened()
        #expect(events.lastID == 0)
        for (id, tunnel) in [(7, "t"), (8, "web"), (1_000_000, "t")] as [(Int, String)] {
            _ = events.take(Self.event(id, of: tunnel))
            #expect(events.lastID == id)
        }
    }
}
