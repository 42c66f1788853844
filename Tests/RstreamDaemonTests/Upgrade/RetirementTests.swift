// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Linux
import RstreamAdmin
import RstreamModel
import Systemd
import Testing

@testable import RstreamDaemon

@Suite("What a process that was taken over from tells its successor")
struct RetirementTests {
    @Test("of itself, the processes before it and all counters, before the successor hears that it is the daemon")
    func order() async throws {
        let (ours, theirs) = try RecordSocket.makePair()
        let (link, successor) = (UpgradeLink(ours), UpgradeLink(theirs))
        let (events, send) = AsyncStream<UpgradeLink.Event>.makeStream()
        let statusStore = StatusStore(notifier: ServiceNotifier())
        statusStore.previousChanged(70, to: PreviousDaemon(pid: 70, version: "1.0", streams: 3, until: .now))
        statusStore.configure(.sample("web"))
        // What waits to be sent does not keep it back.
        for number in 0..<1_000 { link.send(.released(tunnel: "\(number)")) }
        _ = Retirement(link, drain: .seconds(60), streams: 2, statusStore)
        link.send(.committed(reloads: false))
        successor.receive { send.yield($0) }
        var (streams, counted) = ([Int: Int](), [String]())
        for await event in events {
            if case .message(.report(let report), _) = event { streams[report.pid] = report.streams }
            if case .message(.totals(let totals), _) = event { counted.append(totals.name) }
            if case .message(.committed, _) = event { break }
        }
        #expect(streams == [70: 3, Int(getpid()): 2])
        #expect(counted == ["web"])
        link.hangUp()
    }
}
