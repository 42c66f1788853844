// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import NIOPosix

/// The threads that the daemon's tasks run on, instead of Swift's global pool.
///
/// That pool belongs to libdispatch, which counts its runnable threads by opening `/proc/TID/stat` whenever work is
/// waiting, and ends the process when that cannot be opened (`_dispatch_workq_count_runnable_workers`: "registered
/// worker exited prematurely"): a process without a free descriptor dies. These threads open no files. They are not the
/// event loops either, so a task delays no stream. There are two of them for all tasks, so nothing may block here
/// (``MayBlock``).
///
/// Structured tasks below `withTaskExecutorPreference` run here; `Task {}` does not, and `Task.sleep` would wait in
/// libdispatch: the daemon waits with ``pause(for:)`` instead. A test looks for both.
package final class TaskThreads: TaskExecutor {
    private let pool: NIOThreadPool

    /// Starts `count` threads, which live as long as the process.
    package init(count: Int) {
        pool = NIOThreadPool(numberOfThreads: count)
        pool.start()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // Every job has to run, or its waiters wait for ever.
        pool.submit { _ in
            MayBlock.notHere()
            job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }
}
