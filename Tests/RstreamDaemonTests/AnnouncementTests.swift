// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing

@testable import RstreamDaemon

@Suite("What is told to who publishes one tunnel")
struct AnnouncementTests {
    private let noFile = Daemon.Announcement.problem("no such file", fix: "create it")
    private let noEngine = Daemon.Announcement.problem("refused", fix: nil)
    private let online = Daemon.Announcement.online(tunnel: "web", address: "https://web.test")

    private func told(_ announcements: [Daemon.Announcement]) -> [Daemon.Announcement] {
        var filter = Daemon.AnnouncementFilter()
        return announcements.filter { filter.isNews($0) }
    }

    @Test("a problem that each attempt meets is told once, and again when it comes back")
    func problems() {
        #expect(told([noFile, noFile, noFile, noEngine, noEngine, noFile]) == [noFile, noEngine, noFile])
        #expect(told([noFile, online, noFile]) == [noFile, online, noFile])
    }

    @Test("visitors and addresses are told each time")
    func visitors() {
        let visitor = Daemon.Announcement.visitor(source: nil)
        #expect(told([online, visitor, visitor, online]) == [online, visitor, visitor, online])
        #expect(told([noFile, visitor, noFile]) == [noFile, visitor])
    }
}
