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
        let bytes = read(from: ends[0], limit: limit, within: patience)
        if bytes == nil { kill(process, SIGKILL) }
        var status: CInt = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status == 0 ? bytes : nil
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
    private static func read(from descriptor: Int32, limit: Int, within patience: Duration) -> [UInt8]? {
        let end = ContinuousClock.now + patience
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let left = (end - .now) / .milliseconds(1)
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
}
