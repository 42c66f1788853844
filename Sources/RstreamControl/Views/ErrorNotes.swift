package import RstreamAdmin
package import RstreamModel

extension ErrorReport {
    /// Bytes of a text: more than a daemon keeps of one.
    private static let longest = 1_280

    /// What went wrong, how long ago, and what to do about it: the notes under the row that has the error.
    package func notes(now: UTCTime) -> [Line] {
        let since = " (\(code.cut(toBytes: Self.longest)), \(Age(from: at, to: now)) ago)"
        let what = Line([Piece(message.cut(toBytes: Self.longest), .bad), Piece(since, .faint)])
        return fix.map { [what, Line("fix: \($0.cut(toBytes: Self.longest))")] } ?? [what]
    }
}
