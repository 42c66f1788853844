package import RstreamAdmin

/// `rstreamctl reload`: what a reload changed, or would change.
package struct ReloadView: Hashable, Sendable {
    package let lines: [Line]

    package init(_ reply: ReloadReply) {
        switch reply.outcome {
        case .unchanged: lines = [Line("nothing to change")]
        case .refused: lines = [Line("refused, everything goes on as before", .bad)]
        case .applied:
            let rows = reply.changes.map { change in
                Table.Row([
                    Piece(change.action.rawValue), Piece(change.subject),
                    Piece(change.streams > 0 ? "\(change.streams)" : ""), Piece(change.fate ?? ""),
                ])
            }
            let columns: [Table.Column] = [.init("ACTION"), .init("WHAT"), .init("STREAMS", .right), .init("FATE")]
            lines =
                [reply.dryRun ? Line("a reload would change this:") : Line("applied", .good)]
                + (rows.isEmpty ? [] : Table(columns, rows).lines)
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
