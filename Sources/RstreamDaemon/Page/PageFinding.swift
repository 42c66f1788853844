// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel

/// Something that is not as it should be, and what to do about it. `page.js` finds the same in the same order.
struct PageFinding: Hashable, Sendable {
    /// What it is about: `tunnel web`.
    let about: String
    let message: String
    let fix: String?

    init(_ about: String, _ message: String, fix: String? = nil) {
        (self.about, self.message, self.fix) = (about, message, fix)
    }

    private init?(_ about: String, _ error: ErrorReport?) {
        guard let error else { return nil }
        self.init(about, error.message, fix: error.fix)
    }

    /// Everything in `status`; `stalls` are the parts of the daemon that have stalled.
    static func all(in status: DaemonStatus, stalls: [String]) -> [PageFinding] {
        var found = stalls.map { PageFinding("daemon", $0) }
        if let reload = status.daemon.lastReload, reload.outcome == .refused {
            let fix = "correct the files and reload; until then everything goes on as before"
            found.append(PageFinding("last reload", reload.message, fix: fix))
        }
        found += status.sessions.compactMap { PageFinding("session \($0.context)", $0.lastError) }
        for tunnel in status.tunnels { found += Self.all(of: tunnel) }
        for listener in status.listeners {
            let about = "listener \(listener.name)"
            if let finding = PageFinding(about, listener.lastError) {
                found.append(finding)
            } else if listener.state != .listening {
                found.append(PageFinding(about, "is \(listener.state.rawValue)"))
            }
        }
        return found
    }

    private static func all(of tunnel: TunnelStatus) -> [PageFinding] {
        let about = "tunnel \(tunnel.name)"
        var found = [PageFinding(about, tunnel.lastError)].compactMap { $0 }
        if found.isEmpty, !tunnel.state.isAsWanted { found = [PageFinding(about, "is \(tunnel.state.rawValue)")] }
        // The error of a single upstream is that of the tunnel too.
        for upstream in tunnel.upstreams where upstream.lastError?.message != tunnel.lastError?.message {
            found += [PageFinding(about, upstream.lastError)].compactMap { $0 }
        }
        return found
    }
}
