// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Dispatch
internal import Glibc

/// Input from a terminal: keys and signals.
package enum TerminalInput: Hashable, Sendable {
    case key(UInt8)
    /// The terminal's size changed.
    case resized
    /// Ctrl-C.
    case interrupted
    /// Ctrl-Z: the process should stop until it is continued.
    case suspended
    /// A signal asked the process to end, Ctrl-\ included, or the terminal is gone.
    case ended(signal: Int32)
}

/// Turns signals and keys into ``TerminalInput`` until it is cancelled; signals have their default action then.
package final class TerminalInputs {
    private static let signals = [SIGWINCH, SIGINT, SIGTSTP, SIGTERM, SIGHUP, SIGQUIT]

    private let sources: [any DispatchSourceProtocol]

    /// Calls `receive` from a queue of its own. Keys are read from `input` if that is a terminal.
    package init(input: Int32 = STDIN_FILENO, receive: @escaping @Sendable (TerminalInput) -> Void) {
        let queue = DispatchQueue(label: "terminal")
        var sources: [any DispatchSourceProtocol] = Self.signals.map { number in
            // Handled by the source only.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { receive(Self.input(of: number)) }
            return source
        }
        if TerminalSize.isTerminal(input) {
            let source = DispatchSource.makeReadSource(fileDescriptor: input, queue: queue)
            source.setEventHandler {
                var keys = [UInt8](repeating: 0, count: 64)
                let count = unsafe read(input, &keys, keys.count)
                // At the end of input the source would fire for ever.
                if count == 0 || count < 0 && errno != EINTR && errno != EAGAIN { source.cancel() }
                for key in keys.prefix(max(0, count)) { receive(.key(key)) }
            }
            sources.append(source)
        }
        self.sources = sources
        for source in sources { source.resume() }
    }

    package func cancel() {
        for source in sources { source.cancel() }
        for number in Self.signals { signal(number, SIG_DFL) }
    }

    private static func input(of signal: Int32) -> TerminalInput {
        switch signal {
        case SIGWINCH: .resized
        case SIGINT: .interrupted
        case SIGTSTP: .suspended
        default: .ended(signal: signal)
        }
    }
}

/// Stops this process as Ctrl-Z does, and returns when it goes on.
package func stopUntilContinued() { raise(SIGSTOP) }

/// Ends this process by a signal, as if it had never been caught.
package func die(by number: Int32) {
    signal(number, SIG_DFL)
    // Dispatch takes signals through a descriptor, for which they have to be blocked.
    var only = sigset_t()
    unsafe sigemptyset(&only)
    unsafe sigaddset(&only, number)
    unsafe pthread_sigmask(SIG_UNBLOCK, &only, nil)
    raise(number)
}
