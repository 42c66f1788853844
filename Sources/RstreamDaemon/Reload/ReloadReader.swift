// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamAdmin
internal import RstreamConfig

/// The recipient of a reload's diagnostics. A diagnostic quotes a file, so only users who may read the file get it in
/// full.
enum ReloadReader: Sendable {
    /// Every client of the admin API, now or later.
    case anyone
    /// The process at the other end of the admin socket.
    case peer(Peer)

    /// The diagnostics as the reader may see them.
    func shown(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        switch self {
        case .anyone: return diagnostics.map(\.withoutText)
        case .peer(let peer):
            // Looking up groups may ask another host, so it is avoided where possible.
            guard diagnostics.contains(where: { $0.readers != nil }) else { return diagnostics }
            let groups = peer.user == 0 ? [] : Accounts.groups(of: peer.user, primary: peer.group)
            return diagnostics.map { $0.shown(toUser: peer.user, groups: groups) }
        }
    }
}

extension ReloadReply {
    /// The reply for one reader.
    init(_ outcome: ReloadOutcome, dryRun: Bool, for reader: ReloadReader) {
        switch outcome {
        case .unchanged(let warnings): self.init(.unchanged(reader.shown(warnings)), dryRun: dryRun)
        case .applied(let plans, let settings, let warnings):
            self.init(.applied(plans, settings, reader.shown(warnings)), dryRun: dryRun)
        case .refused(let diagnostics): self.init(.refused(reader.shown(diagnostics)), dryRun: dryRun)
        }
    }
}
