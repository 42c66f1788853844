// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import Synchronization
import Testing

/// `Lock` is `Mutex`, or another type in a build for the thread sanitizer, which has to do the same.
@Suite("A lock")
struct LockTests {
    private struct Failed: Error {}

    private final class Counted: Sendable {
        let lock = Lock(0)
    }

    private final class Value {
        let ends: @Sendable () -> Void

        init(_ ends: @escaping @Sendable () -> Void) { self.ends = ends }

        deinit { ends() }
    }

    @Test("lets one thread at a time change its value")
    func excludes() async {
        let counted = Counted()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1_000 { counted.lock.withLock { $0 += 1 } }
                }
            }
        }
        #expect(counted.lock.withLock { $0 } == 8_000)
    }

    @Test("is free again after an error, and keeps what was changed before it")
    func throwsErrors() {
        let lock = Lock([1])
        #expect(throws: Failed.self) {
            try lock.withLock { (value) throws(Failed) in
                value.append(2)
                throw Failed()
            }
        }
        let values = lock.withLock { $0 }
        #expect(values == [1, 2])
    }

    @Test("releases its value with itself")
    func releases() {
        let ended = Counted()
        do {
            let lock = Lock<Value?>(nil)
            lock.withLock { $0 = Value { ended.lock.withLock { $0 += 1 } } }
        }
        #expect(ended.lock.withLock { $0 } == 1)
    }
}
