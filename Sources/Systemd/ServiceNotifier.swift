// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CSystemd
internal import Glibc
internal import Linux
internal import Synchronization

/// Tells systemd how the service is doing, in the order of calls, on a thread of its own: a busy service manager delays
/// no caller. Without systemd every call does nothing.
///
/// systemd listens to one process of a service at a time. One that has not taken over yet is silent, and so is one that
/// was taken over from.
package final class ServiceNotifier: Sendable {
    private let silence: Atomic<Bool>

    package init(isSilent: Bool = false) { silence = Atomic(isSilent) }

    /// Whether another process speaks for the service.
    package var isSilent: Bool { silence.load(ordering: .acquiring) }

    /// This process speaks for the service from now on.
    package func speak() { silence.store(false, ordering: .releasing) }

    /// Leaves the service to another process, and returns when systemd has been told.
    package func handOver(to process: Int32) async {
        notify(.mainProcess(process))
        silence.store(true, ordering: .releasing)
        await BlockingThreads.notices.run {}
    }

    /// Another process speaks for the service from now on.
    package func fallSilent() { silence.store(true, ordering: .releasing) }

    /// Has systemd keep a copy of a descriptor, which has to stay open until this returns: systemd has it then. A process
    /// that does not speak for the service may do so, too.
    package func keep(_ descriptor: CInt, as name: KeptDescriptor) async {
        guard unsafe getenv("NOTIFY_SOCKET") != nil else { return }
        let bytes = NotifyMessage(.keep(name)).bytes + [0]
        await BlockingThreads.notices.run {
            Self.send(bytes, descriptor)
            // systemd has handled what came before once this returns.
            _ = sd_notify_barrier(0, Self.barrierMicroseconds)
        }
    }

    private static let barrierMicroseconds: UInt64 = 2_000_000

    /// Has systemd close what it keeps under a name.
    package func forget(_ name: KeptDescriptor) async {
        notify(.forget(name))
        await BlockingThreads.notices.run {}
    }

    /// The configuration is loaded and the service does its work; nothing is said about the network.
    package func ready() { notify(.ready) }

    /// The service reads its configuration again; ``ready()`` has to follow. The time is what `Type=notify-reload`
    /// compares, older ones ignore it.
    package func reloading() {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        notify(.reloading(monotonicMicroseconds: Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000))
    }

    /// The service is on its way out.
    package func stopping() { notify(.stopping) }

    /// One sentence for the unit's status, whatever is in it.
    package func status(_ sentence: String) { notify(.status(sentence)) }

    /// The service is alive: the watchdog waits for the next one.
    package func alive() { notify(.watchdog) }

    /// What the service does now (its start, a reload, its end) may take this much longer from now on, before systemd
    /// takes it for stuck.
    package func extendTimeout(by duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (whole, overflow) = max(seconds, 0).multipliedReportingOverflow(by: 1_000_000)
        guard !overflow else { return }
        let (microseconds, beyond) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        if !beyond { notify(.extendTimeout(microseconds: microseconds)) }
    }

    private func notify(_ field: NotifyMessage.Field) {
        let isPassing =
            switch field {
            case .status, .watchdog: true
            case .ready, .reloading, .stopping, .extendTimeout, .mainProcess, .keep, .forget: false
            }
        // The next one says the same.
        let isDropped = isPassing && Self.waiting.load(ordering: .relaxed) > Self.mostWaiting
        guard !isSilent, !isDropped, unsafe getenv("NOTIFY_SOCKET") != nil else { return }
        let bytes = NotifyMessage(field).bytes + [0]
        Self.waiting.add(1, ordering: .relaxed)
        BlockingThreads.notices.submit {
            Self.send(bytes)
            Self.waiting.subtract(1, ordering: .relaxed)
        }
    }

    private static let waiting = Atomic(0)
    private static let mostWaiting = 64

    private static func send(_ bytes: [UInt8]) {
        MayBlock.now("sd_notify")
        // Zero keeps $NOTIFY_SOCKET for the calls after this one. A failure cannot be told to anyone.
        unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { text in
                if let text = text.baseAddress { _ = unsafe sd_notify(0, text) }
            }
        }
    }

    private static func send(_ bytes: [UInt8], _ descriptor: CInt) {
        MayBlock.now("sd_pid_notify_with_fds")
        unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { text in
                guard let text = text.baseAddress else { return }
                _ = unsafe sd_pid_notify_with_fds(0, 0, text, [descriptor], 1)
            }
        }
    }
}

/// systemd's watchdog, which restarts this process when it is silent.
package enum Watchdog {
    /// How long the process may be silent; nil when there is no watchdog.
    package static var timeout: Duration? {
        var microseconds: UInt64 = 0
        // Zero keeps the variables for the calls after this one.
        guard unsafe sd_watchdog_enabled(0, &microseconds) > 0, microseconds > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }
}
