// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// What systemd keeps for a service (`FileDescriptorStoreMax=`) until it has stopped.
package enum KeptDescriptor: String, Hashable, Sendable {
    /// The connection to the process whose place the next one takes.
    case takeOver = "take-over"
    /// The connection to a process that has only its streams left. Its end tells that process that the service has stopped,
    /// whatever has become of the process that took over.
    case previous
}

/// What one datagram tells systemd (sd_notify(3)): fields, each on one line of bytes.
///
/// systemd obeys every line, `WATCHDOG=trigger` and `MAINPID=1` too, and a status repeats what an engine or an upstream
/// said. So a line is made of a name that stands here and a value that is a number or a text without control
/// characters, whatever came in: no value can end its line.
package struct NotifyMessage: Hashable, Sendable {
    package enum Field: Hashable, Sendable {
        /// The service does its work.
        case ready
        /// It reads its configuration again; the time is the monotonic clock's, in microseconds.
        case reloading(monotonicMicroseconds: Int64)
        case stopping
        /// One sentence for people; longer ones are cut to ``NotifyMessage/longestStatus``.
        case status(String)
        /// The service is alive.
        case watchdog
        /// Another process of the service is the one to watch from now on.
        case mainProcess(Int32)
        /// systemd keeps the descriptors that come along for the next process of the service.
        case keep(KeptDescriptor)
        /// systemd closes what it has under this name.
        case forget(KeptDescriptor)
        /// What it does now may take this much longer, in microseconds.
        case extendTimeout(microseconds: Int64)
    }

    /// Bytes of a status: what `systemctl status` shows on one line of a wide terminal, twice.
    package static let longestStatus = 512

    /// The datagram.
    package let bytes: [UInt8]

    package init(_ field: Field) {
        bytes = Array(Self.line(field).utf8)
    }

    private static func line(_ field: Field) -> String {
        switch field {
        case .ready: "READY=1"
        case .reloading(let now): "RELOADING=1\nMONOTONIC_USEC=\(now)"
        case .stopping: "STOPPING=1"
        // Escaped before it is cut: an escape is longer than what it stands for.
        case .status(let text): "STATUS=\(text.cut(toBytes: longestStatus).printable.cut(toBytes: longestStatus))"
        case .watchdog: "WATCHDOG=1"
        case .mainProcess(let process): "MAINPID=\(process)"
        case .keep(let name): "FDSTORE=1\nFDNAME=\(name.rawValue)"
        case .forget(let name): "FDSTOREREMOVE=1\nFDNAME=\(name.rawValue)"
        case .extendTimeout(let more): "EXTEND_TIMEOUT_USEC=\(more)"
        }
    }
}
