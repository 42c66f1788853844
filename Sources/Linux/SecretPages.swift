// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CLinux
internal import Glibc
internal import RstreamModel
internal import Synchronization

/// Memory for secrets that every core dump leaves out, however it is made (`MADV_DONTDUMP`).
///
/// The kernel leaves out whole pages, so secrets share pages of their own: each takes a block of one of a few sizes,
/// and blocks are used again. Pages are kept, so there are as many as were needed at once. Guarded by a mutex.
package final class SecretPages: Sendable {
    /// Sizes of blocks; what is longer has pages to itself.
    private static let sizes = [64, 512, 4_096]
    /// How many bytes are mapped at once.
    private static let slab = 65_536
    private static let page = max(4_096, sysconf(Int32(_SC_PAGESIZE)))

    /// Addresses of free blocks by size.
    private let free = Lock<[[UInt]]>(Array(repeating: [], count: sizes.count))

    private static let shared = SecretPages()

    /// Keeps all new secrets of this process here. Call it before the first one is made and before there is a second
    /// thread.
    package static func use() {
        unsafe SecretMemory.current = shared.memory
    }

    /// These pages, for a secret that is to be kept here.
    var memory: SecretMemory {
        unsafe SecretMemory(allocate: { unsafe self.allocate($0) }, release: { unsafe self.release($0) })
    }

    init() {}

    func allocate(_ count: Int) -> UnsafeMutableRawBufferPointer {
        guard let size = Self.sizes.firstIndex(where: { $0 >= count }) else {
            return unsafe Self.pages(count) ?? Self.heap(count)
        }
        let address = free.withLock { free in
            if free[size].isEmpty, let slab = unsafe Self.pages(Self.slab), let start = slab.baseAddress {
                free[size] = stride(from: 0, to: Self.slab, by: Self.sizes[size]).map {
                    unsafe UInt(bitPattern: start + $0)
                }
            }
            return free[size].popLast()
        }
        guard let address, let start = unsafe UnsafeMutableRawPointer(bitPattern: address) else {
            // Becomes one of the free blocks.
            return .allocate(byteCount: Self.sizes[size], alignment: 16)
        }
        return unsafe UnsafeMutableRawBufferPointer(start: start, count: Self.sizes[size])
    }

    func release(_ memory: UnsafeMutableRawBufferPointer) {
        guard let start = memory.baseAddress else { return }
        if let size = Self.sizes.firstIndex(of: memory.count) {
            return free.withLock { $0[size].append(UInt(bitPattern: start)) }
        }
        if memory.count.isMultiple(of: Self.page) {
            unsafe munmap(start, memory.count)
        } else {
            unsafe memory.deallocate()
        }
    }

    /// Where the kernel has no pages to give; never as long as some pages are.
    private static func heap(_ count: Int) -> UnsafeMutableRawBufferPointer {
        .allocate(byteCount: count.isMultiple(of: page) ? count + 1 : count, alignment: 16)
    }

    /// Whole pages, nil when the kernel has none to give.
    private static func pages(_ count: Int) -> UnsafeMutableRawBufferPointer? {
        let length = (count + page - 1) / page * page
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        guard let start = unsafe mmap(nil, length, PROT_READ | PROT_WRITE, flags, -1, 0), unsafe start != MAP_FAILED
        else {
            return nil
        }
        // Without it the pages are as good as any other memory.
        unsafe madvise(start, length, Int32(MADV_DONTDUMP))
        return unsafe UnsafeMutableRawBufferPointer(start: start, count: length)
    }
}
