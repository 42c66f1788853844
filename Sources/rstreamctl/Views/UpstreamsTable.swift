// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel

/// The upstreams of a tunnel, a row for each.
struct UpstreamsTable: Hashable, Sendable {
    let lines: [Line]

    init(_ upstreams: [UpstreamStatus], now: UTCTime) {
        let columns: [Table.Column] = [
            .init("UPSTREAM"), .init("STATE"), .init("SHARE", .right), .init("STREAMS", .right), .init("TOTAL", .right),
            .init("FAILED", .right), .init("CHECKED", .right),
        ]
        let rows = upstreams.map { upstream in
            Table.Row(
                [
                    Piece(upstream.forward), Piece(upstream.stateText(now: now), upstream.state.tone),
                    Piece(upstream.shareText), Piece("\(upstream.streams.active)"), Piece("\(upstream.streams.total)"),
                    .failures(upstream.streams),
                    Piece(upstream.lastCheck.map { "\(Age(from: $0.at, to: now)) ago" } ?? "-"),
                ],
                notes: upstream.lastError?.notes(now: now) ?? []
            )
        }
        lines = Table(columns, rows).lines
    }
}

extension UpstreamStatus {
    /// The part of new streams that it gets, and whether it is for emergencies.
    var shareText: String { "\(Int((max(0, min(1, share)) * 100).rounded()))%" + (backup ? " backup" : "") }

    /// The state, with the time until it is tried again.
    func stateText(now: UTCTime) -> String {
        guard let ejectedUntil, now < ejectedUntil else { return state.rawValue }
        return "\(state.rawValue) for \(Age(from: now, to: ejectedUntil))"
    }
}

extension TunnelStatus {
    /// Whether its upstreams are worth a table: the tunnel's own facts say the same about one that is not checked.
    var hasUpstreamFacts: Bool { upstreams.count > 1 || upstreams.contains { $0.lastCheck != nil } }

    /// Where its streams go, or how many of several upstreams can be used.
    var destination: Piece {
        let note = byHand == nil ? "" : " (by hand)"
        guard upstreams.count > 1 else { return Piece(forward + note) }
        let usable = upstreams.count { $0.state == .healthy }
        return Piece("\(usable) of \(upstreams.count) upstreams\(note)", usable < upstreams.count ? .waiting : .plain)
    }
}
