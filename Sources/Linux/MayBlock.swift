// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc

/// Checks in debug builds that no call blocks a thread that others wait for. Event loops and the threads of the
/// daemon's tasks are marked with ``notHere()``, a call that may block is announced with ``now(_:)``, and a debug build
/// traps where both apply. Such calls run on ``BlockingThreads``.
package enum MayBlock {
    #if DEBUG
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        unsafe pthread_key_create(&key, nil)
        return key
    }()
    #endif

    /// From now on this thread must not block.
    package static func notHere() {
        #if DEBUG
        unsafe pthread_setspecific(key, UnsafeRawPointer(bitPattern: 1))
        #endif
    }

    /// Whether this thread may block; always true in release builds.
    package static var isPermitted: Bool {
        #if DEBUG
        unsafe pthread_getspecific(key) == nil
        #else
        true
        #endif
    }

    /// Announces a call that may block.
    package static func now(_ call: StaticString) {
        #if DEBUG
        precondition(isPermitted, "\(call) may block, and others wait for this thread: use BlockingThreads")
        #endif
    }

    /// Lets `work` block here, because no other thread could be started.
    static func here(_ work: () -> Void) {
        #if DEBUG
        let mark = unsafe pthread_getspecific(key)
        pthread_setspecific(key, nil)
        defer { unsafe pthread_setspecific(key, mark) }
        #endif
        work()
    }
}
