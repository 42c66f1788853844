internal import RstreamCore
internal import RstreamModel

/// Which tunnels of a session are not online for the same reason, so that the reason is told once.
struct OutageCauses: Sendable {
    private struct Cause: Hashable {
        let code: RstreamError.Code
        let what: String
        let followsLoss: Bool
    }

    private var tunnels: [Cause: Set<TunnelKey>] = [:]
    private var causes: [TunnelKey: Cause] = [:]

    /// Whether no other tunnel has failed for this reason and still does.
    mutating func failed(_ key: TunnelKey, _ failure: TunnelStateMachine.Failure) -> Bool {
        let cause = Cause(code: failure.error.code, what: failure.error.what, followsLoss: failure.followsLoss)
        if causes[key] != cause { mended(key) }
        causes[key] = cause
        tunnels[cause, default: []].insert(key)
        return tunnels[cause]?.count == 1
    }

    /// The tunnel is open, or nobody wants it any more.
    mutating func mended(_ key: TunnelKey) {
        guard let cause = causes.removeValue(forKey: key) else { return }
        tunnels[cause]?.remove(key)
        if tunnels[cause]?.isEmpty == true { tunnels[cause] = nil }
    }
}
