// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel

/// `rstreamctl top`: the head with totals and rates, then the tunnels, then the busiest streams, never more lines or
/// columns than there are.
struct TopView: Hashable, Sendable {
    let lines: [Line]

    init(_ model: TopModel, rows: Int, columns: Int, now: UTCTime) {
        guard let status = model.snapshot?.status else {
            lines = Array([Line("asking the daemon ...")].prefix(max(0, rows)))
            return
        }
        var lines = Self.head(status, model)
        // A blank line and titles for each of the two tables; the streams get half of the rest, or what the tunnels
        // leave.
        let room = max(0, rows - lines.count - 4)
        let tunnels = model.tunnels
        let streams = model.streams
        let lengths = tunnels.map { 1 + $0.shownUpstreams.count }
        let wanted = lengths.reduce(0, +)
        let forStreams = min(streams.count, max(room / 2, room - wanted))
        let forTunnels = Self.fitting(lengths, in: room - forStreams)
        lines += [Line()] + Self.tunnelTable(Array(tunnels.prefix(forTunnels)), of: tunnels.count).lines
        if !streams.isEmpty {
            lines += [Line()] + Self.streamTable(Array(streams.prefix(forStreams)), now: now).lines
        }
        self.lines = lines.prefix(max(0, rows)).map { $0.cut(to: columns) }
    }

    /// How many of the first tunnels there is room for, each with so many lines.
    private static func fitting(_ lengths: [Int], in room: Int) -> Int {
        var left = room
        return lengths.prefix { length in
            left -= length
            return left >= 0
        }.count
    }

    private static func head(_ status: DaemonStatus, _ model: TopModel) -> [Line] {
        let daemon = status.daemon
        let tunnels = status.wantedTunnels
        let received = ByteText.perSecond(model.bytesPerSecond.received)
        let sent = ByteText.perSecond(model.bytesPerSecond.sent)
        return [
            Line([
                Piece("rstreamd \(daemon.version) "), Piece(daemon.state.rawValue, daemon.state.tone),
                Piece("  tunnels "),
                Piece("\(tunnels.online)/\(tunnels.total)", tunnels.online == tunnels.total ? .good : .waiting),
                Piece("  q quits", .faint),
            ]),
            Line(
                "streams \(status.streams.active) active, \(Decimal(model.streamsPerSecond))/s, "
                    + "\(status.streams.failed) failed"
            ),
            Line("received \(received)  sent \(sent)"),
        ]
    }

    private static func tunnelTable(_ tunnels: [TopModel.TunnelRow], of count: Int) -> Table {
        let title = tunnels.count < count ? "TUNNEL (\(tunnels.count) of \(count))" : "TUNNEL"
        return Table(
            [
                .init(title), .init("STATE"), .init("STREAMS", .right), .init("FAILED", .right),
                .init("RECEIVED", .right), .init("SENT", .right), .init("FORWARD"),
            ],
            tunnels.flatMap { row in
                let tunnel = Table.Row([
                    Piece(row.tunnel.name), Piece(row.tunnel.state.rawValue, row.tunnel.tone),
                    Piece("\(row.tunnel.streams.active)"), .failures(row.tunnel.streams),
                    Piece(ByteText.perSecond(row.rate.received)),
                    Piece(ByteText.perSecond(row.rate.sent)), row.tunnel.destination,
                ])
                return [tunnel] + row.shownUpstreams.map(Self.row)
            }
        )
    }

    private static func row(_ upstream: UpstreamStatus) -> Table.Row {
        .init([
            Piece("  \(upstream.shareText)", .faint), Piece(upstream.state.rawValue, upstream.state.tone),
            Piece("\(upstream.streams.active)"), .failures(upstream.streams), Piece(""), Piece(""),
            Piece(upstream.forward),
        ])
    }

    private static func streamTable(_ streams: [TopModel.StreamRow], now: UTCTime) -> Table {
        Table(
            [
                .init("STREAM"), .init("TUNNEL"), .init("AGE", .right), .init("RECEIVED", .right),
                .init("SENT", .right), .init("SOURCE"),
            ],
            streams.map { row in
                .init([
                    Piece(row.stream.id), Piece(row.stream.place), Piece("\(Age(from: row.stream.openedAt, to: now))"),
                    Piece(ByteText.perSecond(row.rate.received)), Piece(ByteText.perSecond(row.rate.sent)),
                    Piece(row.stream.source ?? "-"),
                ])
            }
        )
    }
}

extension TopModel.TunnelRow {
    /// Those that get lines of their own.
    fileprivate var shownUpstreams: [UpstreamStatus] { tunnel.upstreams.count > 1 ? tunnel.upstreams : [] }
}
