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
        while slots.enter(.change) { others += 1 }
        #expect(others == most - most / 8)
        var trusted = 0
        while slots.enter(.owner) { trusted += 1 }
        #expect(others + trusted == most)
        slots.leave(.owner)
        let (other, own) = (slots.enter(.change), slots.enter(.owner))
        #expect(other == (most < 8))
        #expect(own == (most >= 8))
    }

    @Test("event readers get at most half of the slots, trusted or not", arguments: [1, 4, 64])
    func readers(most: Int) {
        var slots = ClientSlots(limit: most, reservesSlots: true)
        var (others, trusted) = (0, 0)
        while slots.startReading(.change) { others += 1 }
        while slots.startReading(.owner) { trusted += 1 }
        #expect(others + trusted == max(1, most / 2))
        #expect(others == slots.readerLimit - slots.readerLimit / 8)
        slots.stopReading(.owner)
        let isRead = slots.startReading(.owner)
        #expect(isRead)
    }

    @Test("without peer credentials, no slots are reserved")
    func unknown() {
        var slots = ClientSlots(limit: 64, reservesSlots: false)
        let entered = (0...64).map { _ in slots.enter(.change) }
        #expect(entered == Array(repeating: true, count: 64) + [false])
    }

    @Test("clients with fewer rights leave slots to those with more", arguments: [4, 8, 16, 64])
    func shares(limit most: Int) {
        var slots = ClientSlots(limit: most, reservesSlots: true)
        var entered: [AdminRights: Int] = [:]
        for rights in [AdminRights.none, .read, .change, .owner] {
            while slots.enter(rights) { entered[rights, default: 0] += 1 }
        }
        let common = most - most / 8
        #expect(entered[.none] == max(1, common / 8))
        #expect(entered[.read] == common / 2)
        #expect(entered.values.reduce(0, +) == most)
        #expect(entered[.change] ?? 0 >= common / 4)
        slots.leave(.none)
        for _ in 0..<entered[.owner, default: 0] { slots.leave(.owner) }
        let isStranger = slots.enter(.none)
        #expect(isStranger)
    }

    @Test("root and the daemon's user are trusted, and clients of ports are not")
    func peers() {
        #expect(Peer(process: 1, user: 0, group: 0).isTrusted)
        #expect(!Peer(process: 1, user: 54_321, group: 0).isTrusted)
        #expect(!Peer.unknown.isTrusted)
    }
}
