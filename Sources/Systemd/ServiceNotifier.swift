internal import CSystemd
internal import Glibc

/// Tells systemd how the service is doing. Without systemd every call does nothing.
package struct ServiceNotifier: Sendable {
    package init() {}

    /// The configuration is loaded and the service does its work; nothing is said about the network.
    package func ready() { notify("READY=1") }

    /// The service reads its configuration again; ``ready()`` has to follow. The time is what `Type=notify-reload`
    /// compares, older ones ignore it.
    package func reloading() {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        notify("RELOADING=1\nMONOTONIC_USEC=\(now.tv_sec * 1_000_000 + now.tv_nsec / 1_000)")
    }

    /// The service is on its way out.
    package func stopping() { notify("STOPPING=1") }

    /// One sentence for whoever asks for the unit's status; only its first line is sent.
    package func status(_ sentence: String) {
        notify("STATUS=" + (sentence.split(separator: "\n", maxSplits: 1).first ?? ""))
    }

    /// The service is alive: the watchdog waits for the next one.
    package func alive() { notify("WATCHDOG=1") }

    /// What the service does now (its start, a reload, its end) may take this much longer from now on, before systemd
    /// takes it for stuck.
    package func extendTimeout(by duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (microseconds, overflow) = max(seconds, 0).multipliedReportingOverflow(by: 1_000_000)
        guard !overflow else { return }
        notify("EXTEND_TIMEOUT_USEC=\(microseconds + attoseconds / 1_000_000_000_000)")
    }

    private func notify(_ state: String) {
        // Zero keeps $NOTIFY_SOCKET for the calls after this one. A failure has nobody to be told to.
        _ = sd_notify(0, state)
    }
}
