// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel

/// `rstreamctl streams`: a row for each open stream, in the daemon's order. The process is shown where another one than the
/// daemon has streams.
struct StreamsView: Hashable, Sendable {
    let lines: [Line]

    init(_ streams: [StreamStatus], now: UTCTime) {
        let hasPrevious = streams.contains { $0.process != nil }
        var columns: [Table.Column] = [
            .init("STREAM"), .init("TUNNEL"), .init("STATE"), .init("AGE", .right), .init("RECEIVED", .right),
            .init("SENT", .right), .init("SOURCE"),
        ]
        if hasPrevious { columns.append(.init("PROCESS")) }
        let rows = streams.map { stream in
            let process = hasPrevious ? [Piece(stream.process.map { "old, \($0)" } ?? "-")] : []
            let cells = [
                Piece(stream.id), Piece(stream.place), Piece(stream.state.rawValue, stream.state.tone),
                Piece("\(Age(from: stream.openedAt, to: now))"), Piece("\(ByteText(stream.bytes.received))"),
                Piece("\(ByteText(stream.bytes.sent))"), Piece(stream.source ?? "-"),
            ]
            return Table.Row(cells + process)
        }
        lines = Table(columns, rows).lines
    }
}

extension StreamStatus {
    /// The tunnel or the listener that it goes through, or what was dialed.
    var place: String { tunnel ?? listener.map { "listener \($0)" } ?? dial.map { "dial \($0)" } ?? "-" }
}
