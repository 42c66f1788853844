// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import RstreamModel

/// A program that this process starts and waits for. Both calls block.
package enum ChildProcess {
    /// How a program ended.
    package enum End: Hashable, Sendable {
        /// With this exit status.
        case status(CInt)
        /// By this signal.
        case signal(CInt)
    }

    /// How long a program may live on after a signal was passed on to it.
    private static let grace = Duration.seconds(2)

    /// Runs the program at `path` to its end, with this process's standard input, variables and working directory.
    ///
    /// SIGHUP, SIGINT, SIGTERM and SIGUSR2 that come meanwhile are passed on to the program, which is killed if it does not end
    /// within 2 s; then this process ends by the same signal. So nothing is left running when it is interrupted.
    ///
    /// `output` gets each line of standard output as soon as it is complete, `errors` those of standard error. Throws
    /// when the program cannot be started.
    package static func run(
        _ path: String,
        _ arguments: [String],
        output: (String) -> Void,
        errors: (String) -> Void
    ) throws(SystemError) -> End {
        let signals = try SignalInbox.take()
        defer { signals.restoreDefaults() }
        let (outputPipe, errorPipe) = (try Pipe(), try Pipe())
        defer {
            outputPipe.close()
            errorPipe.close()
        }
        let process = try start(path, arguments, output: outputPipe.writeEnd, errors: errorPipe.writeEnd)
        outputPipe.closeWriteEnd()
        errorPipe.closeWriteEnd()
        var (outputLines, errorLines) = (Lines(outputPipe.readEnd), Lines(errorPipe.readEnd))
        var interruption: (signal: CInt, deadline: ContinuousClock.Instant)?
        while true {
            let isSilent = outputLines.isAtEnd && errorLines.isAtEnd
            if isSilent, let status = endedStatus(of: process) {
                if let interruption { die(by: interruption.signal) }
                return end(status)
            }
            var ready = [signals.descriptor, outputLines.polled, errorLines.polled].map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            // The end of a program is not announced, only that of what it writes.
            _ = unsafe poll(&ready, nfds_t(ready.count), isSilent ? 5 : interruption == nil ? -1 : 100)
            if let number = signals.next() {
                kill(process, number)
                if interruption == nil { interruption = (number, .now + grace) }
            }
            if let interruption, interruption.deadline < .now {
                kill(process, SIGKILL)
                _ = Self.status(of: process, until: .now + .seconds(1))
                die(by: interruption.signal)
            }
            if ready[1].revents != 0 { outputLines.read(output) }
            if ready[2].revents != 0 { errorLines.read(errors) }
        }
    }

    /// What a program writes to standard output, the first `limit` bytes of it. It gets no input. Nil when it cannot be
    /// started, does not end with status 0, or does not end in time; then it is killed.
    package static func output(
        _ name: String,
        _ arguments: [String],
        limit: Int = 1 << 20,
        within timeout: Duration = .seconds(5)
    ) -> [UInt8]? {
        guard let pipe = try? Pipe() else { return nil }
        defer { pipe.close() }
        let process = try? start(name, arguments, output: pipe.writeEnd)
        pipe.closeWriteEnd()
        guard let process else { return nil }
        let deadline = ContinuousClock.now + timeout
        // A program that has closed its output may live on.
        if let bytes = read(from: pipe.readEnd, limit: limit, until: deadline),
            let status = status(of: process, until: deadline)
        {
            return status == 0 ? bytes : nil
        }
        kill(process, SIGKILL)
        // Not for ever: a program that waits for a disk that hangs does not even die.
        _ = status(of: process, until: .now + .seconds(1))
        return nil
    }

    // MARK: Starting

    /// A pipe that other programs do not inherit.
    private final class Pipe {
        let readEnd: CInt
        let writeEnd: CInt
        private var isWriteEndOpen = true

        init() throws(SystemError) {
            var ends: [CInt] = [-1, -1]
            guard unsafe pipe(&ends) == 0 else { throw SystemError("pipe", errno) }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            (readEnd, writeEnd) = (ends[0], ends[1])
        }

        func closeWriteEnd() {
            if isWriteEndOpen { Glibc.close(writeEnd) }
            isWriteEndOpen = false
        }

        func close() {
            Glibc.close(readEnd)
            closeWriteEnd()
        }
    }

    /// Starts a program. Without `errors` what it writes there is lost, and it gets no input.
    private static func start(
        _ path: String,
        _ arguments: [String],
        output: CInt,
        errors: CInt? = nil
    ) throws(SystemError) -> pid_t {
        MayBlock.now("posix_spawn")
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        if let errors {
            unsafe posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
        } else {
            unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
            unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        }
        return unsafe try spawn(path, arguments, variables: nil, &actions, passing: STDERR_FILENO)
    }

    /// Starts a program that goes on by itself and has `descriptor` as its descriptor `number`, with this process's
    /// standard streams and working directory and with the `variables`, each `NAME=value`. Nothing else is passed on.
    package static func start(
        _ path: String,
        _ arguments: [String],
        variables: [String],
        passing descriptor: CInt,
        as number: CInt
    ) throws(SystemError) -> Int32 {
        MayBlock.now("posix_spawn")
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, number)
        return unsafe try spawn(path, arguments, variables: variables, &actions, passing: number)
    }

    /// Waits until a program that was started ends.
    package static func wait(for process: Int32) -> End {
        MayBlock.now("waitpid")
        var status: CInt = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        return end(status)
    }

    /// Descriptors beyond `last` are not passed on. Not all of them close by themselves, those of NIO's sockets do not, and
    /// a connection that another program holds does not end for its peer when it is closed here.
    private static func spawn(
        _ path: String,
        _ arguments: [String],
        variables: [String]?,
        _ actions: inout posix_spawn_file_actions_t,
        passing last: CInt
    ) throws(SystemError) -> pid_t {
        unsafe posix_spawn_file_actions_addclosefrom_np(&actions, last + 1)
        // Threads of Dispatch block all signals, and sockets made this process ignore SIGPIPE: programs inherit both.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var (none, pipeSignal) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&none)
        unsafe sigemptyset(&pipeSignal)
        unsafe sigaddset(&pipeSignal, SIGPIPE)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &pipeSignal)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var texts = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
        defer { while let text = unsafe texts.popLast() { unsafe free(text) } }
        var entries = unsafe (variables ?? []).map { unsafe strdup($0) } + [nil]
        defer { while let entry = unsafe entries.popLast() { unsafe free(entry) } }
        var process = pid_t()
        let code: CInt
        if variables == nil {
            code = unsafe posix_spawnp(&process, path, &actions, &attributes, &texts, environ)
        } else {
            code = unsafe posix_spawnp(&process, path, &actions, &attributes, &texts, &entries)
        }
        guard code == 0 else { throw SystemError("posix_spawn", code) }
        return process
    }

    // MARK: Reading

    /// Cuts what comes from a descriptor into lines.
    private struct Lines {
        /// Bytes of a line; a longer one is handed over in pieces.
        private static let longest = 1 << 20

        private let descriptor: CInt
        private var rest: [UInt8] = []
        private(set) var isAtEnd = false

        init(_ descriptor: CInt) {
            self.descriptor = descriptor
        }

        /// The descriptor to poll; `poll` takes no notice of a negative one.
        var polled: CInt { isAtEnd ? -1 : descriptor }

        mutating func read(_ tell: (String) -> Void) {
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR || errno == EAGAIN { return }
            isAtEnd = count <= 0
            rest += chunk.prefix(max(0, count))
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                tell(String(decoding: rest[..<end], as: UTF8.self))
                rest.removeFirst(end + 1)
            }
            if isAtEnd && !rest.isEmpty || rest.count > Self.longest {
                tell(String(decoding: rest, as: UTF8.self))
                rest = []
            }
        }
    }

    /// Everything until the end, or nil when that has not come in time.
    private static func read(
        from descriptor: Int32,
        limit: Int,
        until deadline: ContinuousClock.Instant
    ) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let left = (deadline - .now) / .milliseconds(1)
            guard left > 0 else { return nil }
            var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&ready, 1, CInt(min(left, 60_000))) > 0 else { continue }
            let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? bytes : nil }
            // A full pipe would keep the program from its end, so what is beyond the limit is read too.
            bytes += chunk.prefix(min(count, limit - bytes.count))
        }
    }

    // MARK: Ending

    /// What `waitpid` says about a program that has ended; nil while it runs.
    private static func endedStatus(of process: pid_t) -> CInt? {
        var status: CInt = 0
        let ended = unsafe waitpid(process, &status, WNOHANG)
        // Where this process ignores SIGCHLD, nothing tells how its children ended; in order is assumed.
        return ended > 0 || ended < 0 && errno != EINTR ? status : nil
    }

    private static func status(of process: pid_t, until deadline: ContinuousClock.Instant) -> CInt? {
        while true {
            if let status = endedStatus(of: process) { return status }
            guard .now < deadline else { return nil }
            _ = poll(nil, 0, 1)
        }
    }

    /// As the macros of `wait(2)` have it, which Swift does not see.
    private static func end(_ status: CInt) -> End {
        status & 0x7F == 0 ? .status(status >> 8 & 0xFF) : .signal(status & 0x7F)
    }
}
