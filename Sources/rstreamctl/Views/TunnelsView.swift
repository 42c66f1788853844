// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel

/// `rstreamctl tunnels`: a row for each tunnel.
struct TunnelsView: Hashable, Sendable {
    let lines: [Line]

    /// No line is longer than `columns` where names allow that.
    init(_ tunnels: [TunnelStatus], now: UTCTime, columns room: Int = 80) {
        let columns: [Table.Column] = [
            .init("TUNNEL"), .init("STATE"), .init("SINCE", .right), .init("STREAMS", .right),
            .init("FAILED", .right), .init("RECEIVED", .right), .init("SENT", .right), .init("FORWARD"),
            .init("ADDRESS"),
        ]
        let rows = tunnels.map { tunnel in
            Table.Row(
                [
                    Piece(tunnel.name), Piece(tunnel.state.rawValue, tunnel.tone),
                    Piece("\(Age(from: tunnel.since, to: now))"), Piece("\(tunnel.streams.active)"),
                    .failures(tunnel.streams), Piece("\(ByteText(tunnel.bytes.received))"),
                    Piece("\(ByteText(tunnel.bytes.sent))"),
                    tunnel.destination, Piece(tunnel.forwardingAddress ?? ""),
                ],
                notes: tunnel.notes(now: now)
            )
        }
        lines = Table(columns, rows).lines(within: room)
    }
}

/// `rstreamctl tunnels NAME`: everything about one tunnel.
struct TunnelView: Hashable, Sendable {
    let lines: [Line]

    init(_ tunnel: TunnelStatus, now: UTCTime) {
        let streams = tunnel.streams
        var facts: [(String, [Piece])] = [
            ("tunnel", [Piece(tunnel.name)]),
            ("context", [Piece(tunnel.context)]),
            (
                "state",
                [Piece(tunnel.state.rawValue, tunnel.tone), Piece(" for \(Age(from: tunnel.since, to: now))")]
            ),
            ("id", [Piece(tunnel.id ?? "-")]),
            ("address", [Piece(tunnel.forwardingAddress ?? "-")]),
            ("forward", [Piece(tunnel.forward)]),
            ("streams", [Piece("\(streams.active) active, \(streams.total) total, \(streams.failed) failed")]),
            ("received", [Piece("\(ByteText(tunnel.bytes.received))")]),
            ("sent", [Piece("\(ByteText(tunnel.bytes.sent))")]),
        ]
        facts += Self.properties(tunnel.properties).map { ($0.name, [Piece($0.value)]) }
        let width = facts.reduce(0) { max($0, $1.0.count) } + 2
        lines =
            facts.map { name, value in
                Line([Piece(name + String(repeating: " ", count: width - name.count), .faint)] + value)
            } + (tunnel.hasUpstreamFacts ? [Line()] + UpstreamsTable(tunnel.upstreams, now: now).lines : [])
            + tunnel.notes(now: now)
    }

    /// The properties that are set, in the order of the protocol; the name stands above.
    private static func properties(_ properties: PropertiesReport) -> [(name: String, value: String)] {
        PropertiesReport.shown.filter { $0 != .name }.compactMap { property in
            properties[property].map { (property.camelCaseName, text(of: $0)) }
        }
    }

    private static func text(of value: TunnelProperties.Value) -> String {
        switch value {
        case .text(let text): text
        case .flag(let flag): "\(flag)"
        case .number(let number): "\(number)"
        case .list(let list): list.joined(separator: ", ")
        case .pairs(let pairs):
            pairs.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
        case .time(let time): "\(UTCTime(seconds: time.seconds))"
        }
    }
}

extension TunnelStatus {
    /// A tunnel that is open but has an error needs attention.
    var tone: Tone { state.tone == .good && lastError != nil ? .waiting : state.tone }

    fileprivate func notes(now: UTCTime) -> [Line] {
        var notes = lastError?.notes(now: now) ?? []
        if let disabledUntil { notes.append(Line("closed by an operator, \(disabledUntil.words)", .faint)) }
        if state == .standby {
            notes.append(Line("another tunnel holds its name or port; it takes over when they are free", .faint))
        }
        // An attempt follows every few seconds.
        if let nextAttemptAt, state != .standby {
            notes.append(Line("next attempt in \(Age(from: now, to: nextAttemptAt))", .faint))
        }
        if let drain { notes.append(drain.note(now: now)) }
        if let byHand { notes.append(byHand.note(now: now)) }
        return notes
    }
}

extension ByHand {
    /// Who has opened it, and when it ends.
    func note(now: UTCTime) -> Line {
        let end = endsAt.map { ", ends in \(Age(from: now, to: $0))" } ?? ""
        return Line("by hand: user \(uid), process \(pid)\(detached ? ", detached" : "")\(end)", .faint)
    }
}

extension Piece {
    /// How many streams have failed.
    static func failures(_ streams: StreamCounts) -> Piece {
        Piece("\(streams.failed)", streams.failed > 0 ? .waiting : .plain)
    }
}
