// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel

/// `rstreamctl streams`: a row for each open stream, in the daemon's order.
struct StreamsView: Hashable, Sendable {
    let lines: [Line]

    init(_ streams: [StreamStatus], now: UTCTime) {
        let columns: [Table.Column] = [
            .init("STREAM"), .init("TUNNEL"), .init("STATE"), .init("AGE", .right), .init("RECEIVED", .right),
            .init("SENT", .right), .init("SOURCE"),
        ]
        let rows = streams.map { stream in
            Table.Row([
                Piece(stream.id), Piece(stream.place), Piece(stream.state.rawValue, stream.state.tone),
                Piece("\(Age(from: stream.openedAt, to: now))"), Piece("\(ByteText(stream.bytes.received))"),
                Piece("\(ByteText(stream.bytes.sent))"), Piece(stream.source ?? "-"),
            ])
        }
        lines = Table(columns, rows).lines
    }
}

extension StreamStatus {
    /// The tunnel or the listener that it goes through.
    var place: String { tunnel ?? listener.map { "listener \($0)" } ?? "-" }
}
