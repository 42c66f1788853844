// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CLinux
internal import Glibc

/// Keeps the signals that control a daemon from the moment they arrive until they are read.
///
/// The default action of a signal ends the process, so a program's first statement takes the signals, before anything
/// that takes time, and handles them when it is ready. The handler writes each signal into a pipe, which works for
/// every thread that the kernel chooses; a mask would only affect the threads that have it.
package struct SignalInbox: Sendable {
    /// The end that is read: a byte for each signal (``Arrival``).
    package let descriptor: CInt

    /// A signal that came.
    package struct Arrival: Hashable, Sendable {
        package let number: CInt
        /// Whether it was meant for the process that stands for this one (``StandIn``), which passed it on.
        package let isPassedOn: Bool

        package init(number: CInt, isPassedOn: Bool = false) { (self.number, self.isPassedOn) = (number, isPassedOn) }

        /// The meaning of a byte from ``SignalInbox/descriptor``.
        package init(byte: UInt8) {
            let mark = UInt8(RSTREAM_PASSED_ON)
            self.init(number: CInt(byte & ~mark), isPassedOn: byte & mark != 0)
        }
    }

    private static let asked = [SIGHUP, SIGTERM, SIGINT, SIGUSR2]

    /// Takes the signals from now on, and ignores SIGPIPE.
    package static func take() throws(SystemError) -> SignalInbox {
        signal(SIGPIPE, SIG_IGN)
        var ends: [CInt] = [-1, -1]
        guard unsafe rstream_open_pipe(&ends) == 0 else { throw SystemError("pipe2", errno) }
        // Started without standard streams, the pipe must not become one.
        for index in 0...1 where ends[index] <= STDERR_FILENO {
            let other = fcntl(ends[index], F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
            guard other >= 0 else { throw SystemError("fcntl", errno) }
            close(ends[index])
            ends[index] = other
        }
        guard unsafe rstream_take_signals(ends[1], asked, CInt(asked.count)) == 0 else {
            throw SystemError("sigaction", errno)
        }
        return SignalInbox(descriptor: ends[0])
    }

    /// Restores the signals' default actions and raises a signal that arrived meanwhile again.
    package func restoreDefaults() {
        for number in Self.asked { signal(number, SIG_DFL) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        // To the process: this may be a thread of Dispatch, which blocks signals.
        if count > 0, let first = bytes.first { kill(getpid(), Arrival(byte: first).number) }
        close(descriptor)
    }

    /// The oldest signal that came and was not read yet; nil when there is none.
    package func next() -> CInt? {
        var byte: UInt8 = 0
        return unsafe read(descriptor, &byte, 1) == 1 ? Arrival(byte: byte).number : nil
    }
}
