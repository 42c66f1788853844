internal import Linux
internal import RstreamAdmin
internal import RstreamConfig

/// Who is told what came of a reload. A complaint shows what stands in a file, so it is shown to who could read the file.
enum ReloadReader: Sendable {
    /// Everybody who may ask the daemon, now or later.
    case anybody
    /// The process at the other end of the admin socket.
    case peer(Peer)

    /// The complaints as the reader may see them.
    func shown(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        switch self {
        case .anybody: return diagnostics.map(\.withoutText)
        case .peer(let peer):
            // Who is a member of which group may be another host's to say, so it is not asked in vain.
            guard diagnostics.contains(where: { $0.readers != nil }) else { return diagnostics }
            let groups = peer.user == 0 ? [] : Accounts.groups(of: peer.user, primary: peer.group)
            return diagnostics.map { $0.shown(toUser: peer.user, groups: groups) }
        }
    }
}

extension ReloadReply {
    /// The reply to one reader.
    init(_ outcome: ReloadOutcome, dryRun: Bool, for reader: ReloadReader) {
        switch outcome {
        case .unchanged(let warnings): self.init(.unchanged(reader.shown(warnings)), dryRun: dryRun)
        case .applied(let plans, let settings, let warnings):
            self.init(.applied(plans, settings, reader.shown(warnings)), dryRun: dryRun)
        case .refused(let diagnostics): self.init(.refused(reader.shown(diagnostics)), dryRun: dryRun)
        }
    }
}
