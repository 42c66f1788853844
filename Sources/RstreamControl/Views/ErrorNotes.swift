package import RstreamAdmin
package import RstreamModel

extension ErrorReport {
    /// What went wrong, how long ago, and what to do about it: the notes under the row that has the error.
    package func notes(now: UTCTime) -> [Line] {
        let what = Line([Piece(message, .bad), Piece(" (\(code), \(Age(from: at, to: now)) ago)", .faint)])
        return fix.map { [what, Line("fix: \($0)")] } ?? [what]
    }
}
