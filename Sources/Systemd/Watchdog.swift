internal import CSystemd

/// Whether systemd restarts this process when it is silent.
package enum Watchdog {
    /// How long the process may be silent; nil when nobody watches it.
    package static var timeout: Duration? {
        var microseconds: UInt64 = 0
        // Zero keeps the variables for the calls after this one.
        guard unsafe sd_watchdog_enabled(0, &microseconds) > 0, microseconds > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }
}
