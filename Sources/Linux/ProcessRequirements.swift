// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc

/// What a process needs of its host before anything in it can work. Without a thread or descriptor that it needs,
/// Swift's runtime waits for ever or ends the process without a message, so both are tried first.
package struct ProcessRequirements: Hashable, Sendable {
    /// Threads that run at once.
    package let threads: Int
    /// Descriptors that are open before anything is served.
    package let descriptors: Int

    package init(threads: Int, descriptors: Int) {
        self.threads = threads
        self.descriptors = descriptors
    }

    /// The exit status of a program that cannot run on this host (`EX_OSERR`).
    package static let exitStatus: CInt = 71

    /// What is missing.
    package enum Missing: Hashable, Sendable, CustomStringConvertible {
        case proc
        case threads(needed: Int, available: Int)
        case descriptors(needed: Int, limit: Int)

        /// What is missing and what to do, in a line.
        package var description: String {
            switch self {
            case .proc: "/proc is not mounted, and the runtime needs it; fix: mount it"
            case .threads(let needed, let available):
                "this process may have \(available) threads and needs \(needed); "
                    + "fix: raise TasksMax= or pids.max, ulimit -u, and ulimit -v, of which each takes 8 MiB"
            case .descriptors(let needed, let limit):
                "this process may open \(limit) files and needs \(needed); fix: raise LimitNOFILE= or ulimit -n"
            }
        }
    }

    /// The first requirement that is not met; nil when all are. Call it before other threads are started.
    package func findMissing() -> Missing? {
        if let missing = Self.findMissingProc() { return missing }
        let limit = FileDescriptors.raiseLimit()
        guard limit >= descriptors else { return .descriptors(needed: descriptors, limit: limit) }
        let available = Self.count(upTo: threads)
        return available < threads ? .threads(needed: threads, available: available) : nil
    }

    /// The runtime counts its threads in `/proc` about once a second, and ends the process where it cannot.
    package static func findMissingProc() -> Missing? {
        unsafe access("/proc/self/task", F_OK) == 0 ? nil : .proc
    }

    /// How many threads can run at once.
    private static func count(upTo wanted: Int) -> Int {
        let gate = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        defer { unsafe gate.deallocate() }
        guard unsafe pthread_mutex_init(gate, nil) == 0 else { return 0 }
        defer { unsafe pthread_mutex_destroy(gate) }
        var threads: [pthread_t] = []
        unsafe pthread_mutex_lock(gate)
        for _ in 0..<wanted {
            var thread = pthread_t()
            // Each waits until all are there.
            let result = unsafe pthread_create(
                &thread,
                nil,
                { gate in
                    guard let gate = unsafe gate?.assumingMemoryBound(to: pthread_mutex_t.self) else { return nil }
                    unsafe pthread_mutex_lock(gate)
                    unsafe pthread_mutex_unlock(gate)
                    return nil
                },
                unsafe gate
            )
            guard result == 0 else { break }
            threads.append(thread)
        }
        unsafe pthread_mutex_unlock(gate)
        for thread in threads { pthread_join(thread, nil) }
        return threads.count
    }
}
