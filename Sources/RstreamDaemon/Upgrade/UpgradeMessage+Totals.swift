// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay

extension UpgradeMessage {
    /// What a daemon has counted of a tunnel or a listener.
    package struct Totals: Codable, Hashable, Sendable {
        package var isListener: Bool
        package var name: String
        package var ended: [String: Int]
        package var refused: [String: Int]
        package var failed: Int
        package var received: Int
        package var sent: Int
        package var opening: Observed
        package var connecting: Observed
    }

    /// A histogram.
    package struct Observed: Codable, Hashable, Sendable {
        package var counts: [Int]
        package var sumSeconds: Double
    }
}

extension UpgradeMessage.Totals {
    init(_ totals: StreamTotals, of owner: StreamOwner) {
        isListener = if case .listener = owner { true } else { false }
        name = owner.name
        ended = Dictionary(totals.ended.map { ($0.key.rawValue, $0.value) }) { $1 }
        refused = Dictionary(totals.refused.map { ($0.key.rawValue, $0.value) }) { $1 }
        failed = totals.failed
        received = totals.received
        sent = totals.sent
        opening = UpgradeMessage.Observed(totals.opening)
        connecting = UpgradeMessage.Observed(totals.connecting)
    }

    var owner: StreamOwner { isListener ? .listener(name) : .tunnel(name) }

    /// Outcomes and reasons of another version that this one does not know are left out.
    var totals: StreamTotals {
        var totals = StreamTotals()
        for (word, count) in ended { if let outcome = StreamOutcome(rawValue: word) { totals.ended[outcome] = count } }
        for (word, count) in refused {
            if let reason = RefusalReason(rawValue: word) { totals.refused[reason] = count }
        }
        totals.failed = failed
        totals.received = received
        totals.sent = sent
        totals.opening = opening.histogram
        totals.connecting = connecting.histogram
        return totals
    }
}

extension UpgradeMessage.Observed {
    init(_ histogram: Histogram) {
        self.init(counts: histogram.counts, sumSeconds: histogram.sum.inSeconds)
    }

    fileprivate var histogram: Histogram {
        guard sumSeconds >= 0, sumSeconds < 1e15 else { return Histogram() }
        return Histogram(counts: counts, sum: .seconds(sumSeconds)) ?? Histogram()
    }
}
