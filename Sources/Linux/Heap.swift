internal import CLinux

/// glibc's allocator.
package enum Heap {
    /// Gives back to the kernel what is free; takes some milliseconds on the calling thread.
    package static func trim() {
        _ = malloc_trim(0)
    }
}
