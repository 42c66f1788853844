// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Dispatch
import Glibc
import Linux
package import NIOCore
import NIOPosix
import Synchronization

/// A process that a test started: its output line by line, its exit status, and its end whatever happens.
///
/// A thread of its own starts the process and waits for it, so the kernel can be told to kill the process when that
/// thread is gone: not even a test run that crashes leaves one behind.
package final class ProcessHandle: Sendable {
    /// How a process ended.
    package enum Exit: Hashable, Sendable {
        case status(Int32)
        case signal(Int32)
    }

    /// The process did not end.
    package struct StillRunning: Error, CustomStringConvertible {
        package let description: String
    }

    package let pid: Int32
    package let output: ProcessLines
    package let errors: ProcessLines
    private let life: Life

    /// Whether the number still belongs to the process. Guarded by a mutex, which the reaper holds too, so that no
    /// signal goes to a stranger that got the same number.
    private final class Life: Sendable {
        let isReaped = Lock(false)
        let exit: EventLoopPromise<Exit>

        init(_ exit: EventLoopPromise<Exit>) { self.exit = exit }

        func waitAndReap(_ pid: Int32) {
            var info = siginfo_t()
            while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
            var status: CInt = 0
            isReaped.withLock { isReaped in
                while waitpid(pid, &status, 0) != pid, errno == EINTR {}
                isReaped = true
            }
            let signal = status & 0x7F
            exit.succeed(signal == 0 ? .status((status >> 8) & 0xFF) : .signal(signal))
        }
    }

    private init(pid: Int32, output: ProcessLines, errors: ProcessLines, life: Life) {
        self.pid = pid
        self.output = output
        self.errors = errors
        self.life = life
    }

    /// Starts a program with exactly this environment; `user` makes it run as another user, `namespace` in another
    /// network, `descriptors` with so many of them at most.
    package static func start(
        _ executable: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        user: UInt32? = nil,
        namespace: String? = nil,
        descriptors: Int? = nil
    ) async throws -> ProcessHandle {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        // Scripts for shells are no sentences.
        let areOurs = Binaries.names.contains { executable.hasSuffix("/\($0)") } && !arguments.contains("completions")
        let (out, err) = (ProcessLines(on: loop, areOurs: areOurs), ProcessLines(on: loop, areOurs: areOurs))
        let (outPipe, errPipe) = (try pipe(), try pipe())
        let life = Life(loop.makePromise())
        // setpriv replaces itself by the program. A sandbox does not let it, and ends all that is left with itself.
        var command = Binaries.areSandboxed ? [] : ["/usr/bin/setpriv", "--pdeathsig", "KILL"]
        if let user { command += ["--reuid=\(user)", "--regid=\(user)", "--clear-groups"] }
        if !command.isEmpty { command.append("--") }
        if let namespace { command += ["/usr/sbin/ip", "netns", "exec", namespace] }
        if let descriptors { command += ["/usr/bin/prlimit", "--nofile=\(descriptors):\(descriptors)", "--"] }
        let words = command + [executable] + arguments
        let variables = ["PATH": "/usr/bin:/bin", "LC_ALL": "C"].merging(environment) { $1 }.map { "\($0)=\($1)" }
        let started = loop.makePromise(of: Int32.self)
        DispatchQueue(label: "process").async {
            do {
                let pid = try spawn(words, variables, out: outPipe.write, err: errPipe.write)
                started.succeed(pid)
                life.waitAndReap(pid)
            } catch {
                life.exit.fail(error)
                started.fail(error)
            }
        }
        let pid: Int32
        do {
            pid = try await started.futureResult.get()
        } catch {
            for descriptor in [outPipe.write, errPipe.write, outPipe.read, errPipe.read] { close(descriptor) }
            throw error
        }
        close(outPipe.write)
        close(errPipe.write)
        let process = ProcessHandle(pid: pid, output: out, errors: err, life: life)
        do {
            try await read(outPipe.read, into: out, on: loop)
            try await read(errPipe.read, into: err, on: loop)
            return process
        } catch {
            await process.kill()
            throw error
        }
    }

    private static func read(_ descriptor: CInt, into lines: ProcessLines, on loop: any EventLoop) async throws {
        let channel = try await NIOPipeBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ProcessLineHandler(lines))
                }
            }
            .takingOwnershipOfDescriptor(input: descriptor)
            .get()
        _ = channel
    }

    /// Held while a pipe is not yet closed to other processes, and while one is started: an end of a pipe that slipped
    /// into a stranger would keep its reader waiting.
    private static let forking = Lock(())

    private static func pipe() throws -> (read: CInt, write: CInt) {
        var ends: [CInt] = [0, 0]
        try forking.withLock { _ in
            guard Glibc.pipe(&ends) == 0 else { throw POSIXFailure("pipe", errno) }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        }
        return (ends[0], ends[1])
    }

    private typealias AddCloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, CInt) -> CInt

    /// `posix_spawn_file_actions_addclosefrom_np`, which Swift's view of glibc leaves out.
    private static let addCloseFrom = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np").map {
        unsafeBitCast($0, to: AddCloseFrom.self)
    }

    private static func spawn(_ words: [String], _ variables: [String], out: CInt, err: CInt) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO)
        // NIO does not close accepted connections on exec, and one that lives on in a stranger never ends for its peer.
        _ = addCloseFrom?(&actions, STDERR_FILENO + 1)
        // This thread may block signals that the program wants to get.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var arguments = words.map { strdup($0) } + [nil]
        var environment = variables.map { strdup($0) } + [nil]
        defer { for text in arguments + environment { free(text) } }
        var pid: Int32 = 0
        let code = forking.withLock { _ in
            posix_spawn(&pid, words[0], &actions, &attributes, &arguments, &environment)
        }
        guard code == 0 else { throw POSIXFailure("posix_spawn \(words[0])", code) }
        return pid
    }

    // MARK: Its end

    /// Whether it has not ended yet.
    package var isRunning: Bool { life.isReaped.withLock { !$0 } }

    /// Sends a signal, unless the process has ended.
    package func send(signal: CInt) {
        life.isReaped.withLock { isReaped in
            if !isReaped { _ = Glibc.kill(pid, signal) }
        }
    }

    /// Returns how the process ended, as soon as it has. What it wrote last may not have been read yet: ``end(within:)``.
    package func exit(within timeout: TimeAmount = TimeAmount(testTimeout)) async throws -> Exit {
        let loop = life.exit.futureResult.eventLoop
        let promise = loop.makePromise(of: Exit.self)
        let deadline = loop.scheduleTask(in: timeout) {
            let tail = (self.output.all.suffix(5) + self.errors.all.suffix(15)).joined(separator: "\n")
            let text = "process \(self.pid) did not end within \(timeout.nanoseconds / 1_000_000) ms; it said:\n\(tail)"
            promise.fail(StillRunning(description: text))
        }
        life.exit.futureResult.whenComplete { result in
            if case .success = result { deadline.cancel() }
            promise.completeWith(result)
        }
        return try await promise.futureResult.get()
    }

    /// Asks the process to stop and returns how it ended.
    package func terminate(within timeout: TimeAmount = TimeAmount(testTimeout)) async throws -> Exit {
        send(signal: SIGTERM)
        return try await exit(within: timeout)
    }

    /// Ends the process without asking, and returns when it is gone.
    package func kill() async {
        send(signal: SIGKILL)
        _ = try? await exit()
    }

    /// Returns how the process ended, when what it wrote last has been read too.
    package func end(within timeout: TimeAmount = TimeAmount(testTimeout)) async throws -> Exit {
        let exit = try await exit(within: timeout)
        _ = try? await output.first { _ in false }
        _ = try? await errors.first { _ in false }
        return exit
    }

    /// Runs a program to its end.
    package static func run(
        _ executable: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        user: UInt32? = nil,
        within timeout: TimeAmount = TimeAmount(testTimeout)
    ) async throws -> (exit: Exit, output: [String], errors: [String]) {
        let process = try await start(executable, arguments, environment: environment, user: user)
        do {
            return (try await process.end(within: timeout), process.output.all, process.errors.all)
        } catch {
            await process.kill()
            throw error
        }
    }
}
