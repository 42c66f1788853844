internal import Glibc

/// What the kernel writes when the process dies of a bug.
package enum CoreDump {
    /// core(5): the headers of the programs and libraries, which tell what ran; no memory.
    private static let headersOnly = "0x10"

    /// Leaves the memory out of core dumps, and with it every secret: what is left are the registers of all threads,
    /// which tell where it happened.
    ///
    /// Holds for programs that are started from here, too. Root can ask for everything again, in
    /// `/proc/PID/coredump_filter`. Throws ``SystemError`` where there is no such file, or it may not be written.
    package static func leaveOutMemory() throws(SystemError) {
        let file = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { throw SystemError("open", errno) }
        defer { close(file) }
        guard write(file, headersOnly, headersOnly.utf8.count) == headersOnly.utf8.count else {
            throw SystemError("write", errno)
        }
    }
}
