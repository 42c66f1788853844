// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel

/// `rstreamctl enable`, `disable` and `drain`: what was done, and what becomes of the streams that are open.
struct TunnelChangeView: Hashable, Sendable {
    let lines: [Line]

    init(_ accepted: [Accepted], _ change: Route.TunnelChange, now: UTCTime) {
        let done =
            switch change {
            case .enable: "enabled"
            case .disable: "disabled"
            case .drain: "draining"
            }
        guard !accepted.isEmpty else {
            lines = [Line("there is no tunnel to \(change.rawValue)")]
            return
        }
        lines = accepted.flatMap { accepted in
            let until = accepted.until.map { ", \($0.words)" } ?? ""
            return [Line("tunnel \(accepted.target): \(done)\(until)")]
                + (Self.effectOnStreams(accepted, now: now).map { [Line("    \($0)")] } ?? [])
        }
    }

    private static func effectOnStreams(_ accepted: Accepted, now: UTCTime) -> String? {
        guard let count = accepted.streams, count > 0, let disposition = accepted.disposition else { return nil }
        let streams = count == 1 ? "1 stream" : "\(count) streams"
        switch disposition {
        case "drain":
            guard let cutAt = accepted.cutAt else { return "\(streams) may end" }
            return "\(streams) may end, and what is left is cut in \(Age(from: now, to: cutAt)), at \(cutAt)"
        case "keep": return count == 1 ? "1 stream goes on" : "\(streams) go on"
        case "cut": return count == 1 ? "1 stream is cut" : "\(streams) are cut"
        default: return "\(streams): \(disposition)"
        }
    }
}

extension TunnelStatus.DisabledUntil {
    /// As in "disabled, until it is enabled".
    var words: String {
        switch self {
        case .reload: "until the next reload"
        case .enabled: "until it is enabled"
        default: "until \(rawValue)"
        }
    }
}

extension DrainStatus {
    /// The note under the row of its tunnel.
    func note(now: UTCTime) -> Line {
        let what = streams == 1 ? "1 stream that has" : "\(streams) streams that have"
        return Line("\(what) not ended will be cut in \(Age(from: now, to: cutAt)), at \(cutAt)", .waiting)
    }
}
