// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CLinux
internal import Glibc

/// What the kernel writes when the process crashes.
package enum CoreDump {
    /// core(5): the headers of the programs and libraries, which tell what ran; no memory.
    private static let headersOnly = "0x10"

    /// Leaves the memory out of core dumps, and with it every secret: what is left are the registers of all threads,
    /// which tell where it happened.
    ///
    /// Holds for programs that are started from here, too. Root can ask for everything again, in
    /// `/proc/PID/coredump_filter`. Throws ``SystemError`` if there is no such file, or it may not be written. Call it
    /// before ``set(isPermitted:)`` forbids dumps, after which root owns the file.
    package static func leaveOutMemory() throws(SystemError) {
        let file = unsafe open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { throw SystemError("open", errno) }
        defer { close(file) }
        guard unsafe write(file, headersOnly, headersOnly.utf8.count) == headersOnly.utf8.count else {
            throw SystemError("write", errno)
        }
    }

    /// Whether a core dump is written at all, and whether other processes of this user may read the memory
    /// (`PR_SET_DUMPABLE`). A process that forbids it still reads in `/proc/self` what others may not.
    package static func set(isPermitted: Bool) throws(SystemError) {
        guard rstream_set_dumpable(isPermitted ? 1 : 0) == 0 else { throw SystemError("prctl", errno) }
    }

    /// Whether a core dump would be written.
    package static var isPermitted: Bool { rstream_is_dumpable() == 1 }
}
