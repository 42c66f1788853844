// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#if RSTREAM_SANITIZE_THREAD

internal import Glibc

/// The lock of every type that is guarded by one, as the thread sanitizer needs it.
///
/// `Synchronization.Mutex` waits by a futex of its own on Linux. The sanitizer does not see that and reports a race for
/// whatever such a mutex guards; it does see a mutex of pthread's. Other builds use `Mutex` itself, whose interface this
/// type repeats.
@safe
package struct Lock<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    // Sendable although it refers to memory: the value is sent in, and reached only while the mutex is held.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    /// Guards `initialValue`.
    package init(_ initialValue: consuming sending Value) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        let failure = unsafe pthread_mutex_init(mutex, nil)
        precondition(failure == 0, "pthread_mutex_init failed with \(failure)")
        unsafe value = .allocate(capacity: 1)
        unsafe value.initialize(to: initialValue)
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deinitialize(count: 1)
        unsafe mutex.deallocate()
        unsafe value.deinitialize(count: 1)
        unsafe value.deallocate()
    }

    /// Calls `body` with the value while no other thread can reach it.
    ///
    /// - Parameter body: Changes the value and returns a result; it must not take the same lock.
    /// - Returns: The result of `body`.
    /// - Throws: The error of `body`.
    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        // Copies: Swift 6.2's compiler fails where the sanitizer instruments an access through a field of a borrowed self.
        let (mutex, value) = unsafe (self.mutex, self.value)
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return unsafe try body(&value.pointee)
    }
}

#else

package import Synchronization

/// The lock of every type that is guarded by one. A build for the thread sanitizer has a different one in its place.
package typealias Lock<Value: ~Copyable> = Mutex<Value>

#endif
