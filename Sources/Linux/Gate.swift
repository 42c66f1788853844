// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc

/// What one thread opens and others wait at, for a bounded time.
///
/// Guarded by a mutex of pthread's, because a wait needs its condition; the time is the monotonic clock's.
@safe
package final class Gate: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var isOpen = false

    /// A closed one.
    package init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
        unsafe condition = .allocate(capacity: 1)
        unsafe condition.initialize(to: pthread_cond_t())
        var settings = pthread_condattr_t()
        unsafe pthread_condattr_init(&settings)
        unsafe pthread_condattr_setclock(&settings, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &settings)
        unsafe pthread_condattr_destroy(&settings)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe condition.deallocate()
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    /// Lets all threads through, for good.
    package func open() {
        unsafe pthread_mutex_lock(mutex)
        isOpen = true
        unsafe pthread_cond_broadcast(condition)
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Waits until it is open, for `limit` at most, and returns whether it is.
    package func wait(within limit: Duration) -> Bool {
        MayBlock.now("waiting for another thread")
        var end = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &end)
        let (seconds, attoseconds) = limit.components
        let nanoseconds = end.tv_nsec + Int(attoseconds / 1_000_000_000)
        end.tv_sec += Int(clamping: seconds) + nanoseconds / 1_000_000_000
        end.tv_nsec = nanoseconds % 1_000_000_000
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while !isOpen {
            guard unsafe pthread_cond_timedwait(condition, mutex, &end) == 0 else { break }
        }
        return isOpen
    }
}
