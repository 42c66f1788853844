internal import CLinux
internal import Glibc

/// The signals that ask something of a daemon, kept from the moment that they come until somebody reads them.
///
/// A signal that nobody is prepared for ends the process, so the first statement of a program takes them, before
/// anything that lasts: they are acted on when that can be done. The handler writes each into a pipe, which holds
/// whatever thread a signal is delivered to; a mask would hold for the threads that have it only.
package struct SignalInbox: Sendable {
    /// The end that is read: a byte for each signal, its number.
    package let descriptor: CInt

    private static let asked = [SIGHUP, SIGTERM, SIGINT]

    /// Takes the signals from now on, and lets no peer that went away end the process.
    package static func take() throws(SystemError) -> SignalInbox {
        signal(SIGPIPE, SIG_IGN)
        var ends: [CInt] = [-1, -1]
        guard rstream_open_pipe(&ends) == 0 else { throw SystemError("pipe2", errno) }
        // Started without standard streams, the pipe must not become one.
        for index in 0...1 where ends[index] <= STDERR_FILENO {
            let other = fcntl(ends[index], F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
            guard other >= 0 else { throw SystemError("fcntl", errno) }
            close(ends[index])
            ends[index] = other
        }
        guard rstream_take_signals(ends[1], asked, CInt(asked.count)) == 0 else {
            throw SystemError("sigaction", errno)
        }
        return SignalInbox(descriptor: ends[0])
    }

    /// Gives the signals back what they do by default. What came meanwhile comes again.
    package func giveBack() {
        for number in Self.asked { signal(number, SIG_DFL) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(descriptor, &bytes, bytes.count)
        // To the process: this may be a thread of Dispatch, which blocks signals.
        if count > 0, let first = bytes.first { kill(getpid(), CInt(first)) }
        close(descriptor)
    }

    /// The oldest signal that came and was not read yet; nil when there is none.
    package func next() -> CInt? {
        var byte: UInt8 = 0
        return unsafe read(descriptor, &byte, 1) == 1 ? CInt(byte) : nil
    }
}
