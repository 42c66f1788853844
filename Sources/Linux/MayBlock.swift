internal import Glibc

/// The one rule about calls that may block: never on a thread that others wait for. Event loops and the threads of the
/// daemon's tasks say that they are such threads, what blocks says so before it does, and a debug build ends where the
/// two meet. What is to block runs on ``BlockingThreads``.
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

    /// Whether this thread may block. In release builds nobody knows.
    package static var isPermitted: Bool {
        #if DEBUG
        unsafe pthread_getspecific(key) == nil
        #else
        true
        #endif
    }

    /// Has to be said before a call that may block.
    package static func now(_ call: StaticString) {
        #if DEBUG
        precondition(isPermitted, "\(call) may block, and others wait for this thread: use BlockingThreads")
        #endif
    }

    /// Blocks here all the same, because there is no other thread to be had.
    static func here(_ work: () -> Void) {
        #if DEBUG
        let mark = unsafe pthread_getspecific(key)
        pthread_setspecific(key, nil)
        defer { unsafe pthread_setspecific(key, mark) }
        #endif
        work()
    }
}
