// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing

@testable import RstreamDaemon

@Suite("Slots of clients")
struct ClientSlotsTests {
    @Test(
        "clients other than root and the daemon's user leave some slots free, whatever the limit",
        arguments: [4, 8, 16, 64]
    )
    func reserved(limit most: Int) {
        var slots = ClientSlots(limit: most, reservesSlots: true)
        var others = 0
        while slots.enter(isTrusted: false) { others += 1 }
        #expect(others == most - most / 8)
        var trusted = 0
        while slots.enter(isTrusted: true) { trusted += 1 }
        #expect(others + trusted == most)
        slots.leave()
        let (other, own) = (slots.enter(isTrusted: false), slots.enter(isTrusted: true))
        #expect(other == (most < 8))
        #expect(own == (most >= 8))
    }

    @Test("event readers get at most half of the slots, trusted or not", arguments: [1, 4, 64])
    func readers(most: Int) {
        var slots = ClientSlots(limit: most, reservesSlots: true)
        var (others, trusted) = (0, 0)
        while slots.startReading(isTrusted: false) { others += 1 }
        while slots.startReading(isTrusted: true) { trusted += 1 }
        #expect(others + trusted == max(1, most / 2))
        #expect(others == slots.readerLimit - slots.readerLimit / 8)
        slots.stopReading()
        let isRead = slots.startReading(isTrusted: true)
        #expect(isRead)
    }

    @Test("without peer credentials, no slots are reserved")
    func unknown() {
        var slots = ClientSlots(limit: 64, reservesSlots: false)
        let entered = (0...64).map { _ in slots.enter(isTrusted: false) }
        #expect(entered == Array(repeating: true, count: 64) + [false])
    }

    @Test("root and the daemon's user are trusted, and clients of ports are not")
    func peers() {
        #expect(Peer(process: 1, user: 0, group: 0).isTrusted)
        #expect(!Peer(process: 1, user: 54_321, group: 0).isTrusted)
        #expect(!Peer.unknown.isTrusted)
    }
}
