// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin

/// `rstreamctl reload`: what a reload changed, or would change.
struct ReloadView: Hashable, Sendable {
    let lines: [Line]

    init(_ reply: ReloadReply) {
        switch reply.outcome {
        case .unchanged: lines = [Line("nothing to change")]
        case .refused: lines = [Line("refused, everything goes on as before", .bad)]
        default:
            let showsKeys = reply.changes.contains { !$0.keys.isEmpty }
            let rows = reply.changes.map { change in
                Table.Row(
                    [
                        Piece(change.action.rawValue), Piece(change.subject),
                        Piece(change.streams > 0 ? "\(change.streams)" : ""), Piece(change.disposition ?? ""),
                    ] + (showsKeys ? [Piece(change.keys.joined(separator: ", "))] : [])
                )
            }
            let columns: [Table.Column] =
                [.init("ACTION"), .init("WHAT"), .init("STREAMS", .right), .init("DISPOSITION")]
                + (showsKeys ? [.init("KEYS")] : [])
            let settings = reply.settings.map { setting in
                Line("setting \(setting.key)" + (setting.obstacle.map { ": not in force, \($0)" } ?? ""))
            }
            lines =
                [reply.dryRun ? Line("a reload would change this:") : Line(reply.outcome.rawValue, reply.outcome.tone)]
                + (rows.isEmpty ? [] : Table(columns, rows).lines) + settings
        }
    }
}

extension ReloadChange {
    /// `tunnel web`
    var subject: String {
        if let tunnel { return "tunnel \(tunnel)" }
        if let listener { return "listener \(listener)" }
        return context.map { "context \($0)" } ?? "-"
    }

    /// `replace tunnel web`
    var text: String { "\(action.rawValue) \(subject)" }
}
