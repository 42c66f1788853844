// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import RstreamAdmin
internal import RstreamModel
internal import RstreamRelay

/// What a daemon that was taken over from still has to do: its streams may last for a time, and the successor is told of
/// them.
struct Retirement {
    let link: UpgradeLink
    /// How long streams may last, and until when.
    let drain: Duration
    let until: UTCTime
    var reporter: RetirementReporter

    /// Tells the successor what is left before it hears that it is the daemon: from its first answer on it knows of the
    /// processes before it, and its counters go on.
    init(_ link: UpgradeLink, drain: Duration, streams: Int, _ statusStore: StatusStore) {
        (self.link, self.drain) = (link, drain)
        until = UTCTime.now.advanced(by: drain)
        reporter = RetirementReporter(link)
        reporter.report(streams, until: until, statusStore)
    }
}

/// Tells a successor what is left: streams, totals, and processes before this one. Each is told again when it changes.
struct RetirementReporter {
    private let link: UpgradeLink
    private var told: UpgradeMessage.Report?
    private var totals: [StreamOwner: StreamTotals] = [:]
    private var previous: [Int: PreviousDaemon] = [:]

    init(_ link: UpgradeLink) { self.link = link }

    mutating func report(_ streams: Int, until: UTCTime, _ statusStore: StatusStore) {
        for (owner, totals) in statusStore.ownerTotals where self.totals[owner] != totals {
            self.totals[owner] = totals
            link.send(.totals(UpgradeMessage.Totals(totals, of: owner)))
        }
        let now = statusStore.previous
        for (process, daemon) in now where previous[process] != daemon {
            link.send(.report(UpgradeMessage.Report(daemon)))
        }
        for process in previous.keys where now[process] == nil { link.send(.gone(pid: process)) }
        previous = now
        let report = UpgradeMessage.Report(PreviousDaemon(streams: streams, until: until))
        if report != told { link.send(.report(report)) }
        told = report
    }
}
