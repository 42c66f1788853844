// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamCore
internal import RstreamModel

/// Which tunnels of a session are down for the same reason, so that the reason is logged once.
struct OutageCauses: Sendable {
    private struct Cause: Hashable {
        let code: RstreamError.Code
        let what: String
        let followsLoss: Bool
    }

    private var tunnels: [Cause: Set<TunnelKey>] = [:]
    private var causes: [TunnelKey: Cause] = [:]

    /// Whether this is the only tunnel that is down for this reason.
    mutating func failed(_ key: TunnelKey, _ failure: TunnelStateMachine.Failure) -> Bool {
        let cause = Cause(code: failure.error.code, what: failure.error.what, followsLoss: failure.followsLoss)
        if causes[key] != cause { recovered(key) }
        causes[key] = cause
        tunnels[cause, default: []].insert(key)
        return tunnels[cause]?.count == 1
    }

    /// The tunnel is online, or was forgotten.
    mutating func recovered(_ key: TunnelKey) {
        guard let cause = causes.removeValue(forKey: key) else { return }
        tunnels[cause]?.remove(key)
        if tunnels[cause]?.isEmpty == true { tunnels[cause] = nil }
    }
}
