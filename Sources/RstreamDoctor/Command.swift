internal import Glibc
internal import RstreamModel

/// A program of this host that is asked something, as `systemctl` is. It blocks.
enum Command {
    /// What it writes to standard output, as much as there is room for; nil when it cannot be started, does not end in
    /// order, or has not within the time.
    static func output(
        _ name: String,
        _ arguments: [String],
        limit: Int = 1 << 20,
        within patience: Duration = .seconds(5)
    ) -> [UInt8]? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        defer { close(ends[0]) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let process = start(name, arguments, writingTo: ends[1])
        close(ends[1])
        guard let process else { return nil }
        let deadline = ContinuousClock.now + patience
        // Whoever has closed its output may live on.
        if let bytes = read(from: ends[0], limit: limit, until: deadline),
            let status = status(of: process, until: deadline)
        {
            return status == 0 ? bytes : nil
        }
        kill(process, SIGKILL)
        // Not for ever: one that waits for a disk that hangs does not even die.
        _ = status(of: process, until: .now + .seconds(1))
        return nil
    }

    private static func start(_ name: String, _ arguments: [String], writingTo output: Int32) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        var texts = ([name] + arguments).map { strdup($0) } + [nil]
        defer { for text in texts { free(text) } }
        var process = pid_t()
        return posix_spawnp(&process, name, &actions, nil, &texts, environ) == 0 ? process : nil
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
            guard poll(&ready, 1, CInt(min(left, 60_000))) > 0 else { continue }
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? bytes : nil }
            // What nobody takes would keep the program from its end.
            bytes += chunk.prefix(min(count, limit - bytes.count))
        }
    }

    /// How a program has ended, zero for in order; nil when it has not in time.
    private static func status(of process: pid_t, until deadline: ContinuousClock.Instant) -> CInt? {
        var status: CInt = 0
        while true {
            let ended = waitpid(process, &status, WNOHANG)
            // Where nobody is told how children end, it can only be assumed.
            if ended > 0 || ended < 0 && errno != EINTR { return status }
            guard .now < deadline else { return nil }
            // The kernel tells this process of it by a signal only, which is not ours to take.
            poll(nil, 0, 1)
        }
    }
}
