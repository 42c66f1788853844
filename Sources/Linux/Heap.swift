internal import CLinux
internal import Glibc

/// glibc's allocator.
package enum Heap {
    /// Gives back to the kernel what is free; takes some milliseconds on the calling thread.
    package static func trim() {
        MayBlock.now("malloc_trim")
        _ = malloc_trim(0)
    }

    /// Bytes of memory that the process has of its own and the program does not use: what is free in the allocator, and
    /// what stacks, libraries and the allocator itself need. Nil when the kernel does not tell.
    package static var idleBytes: Int? {
        guard let resident = privateBytes else { return nil }
        return max(0, resident - Int(clamping: rstream_heap_in_use()))
    }

    /// Read from a file that was opened in time: a process that is out of descriptors opens no others.
    private static let statistics = unsafe open("/proc/self/statm", O_RDONLY | O_CLOEXEC)

    /// Opens what is read, before there is a reason not to have a descriptor for it.
    package static func prepare() { _ = statistics }

    /// Resident pages that are no file's.
    private static var privateBytes: Int? {
        guard statistics >= 0 else { return nil }
        var text = [UInt8](repeating: 0, count: 256)
        let count = unsafe pread(statistics, &text, text.count, 0)
        guard count > 0 else { return nil }
        let fields = text[..<count].split(separator: UInt8(ascii: " ")).prefix(3)
        let numbers = fields.compactMap { Int(String(decoding: $0, as: UTF8.self)) }
        guard numbers.count == 3 else { return nil }
        return max(0, numbers[1] - numbers[2]) * Int(sysconf(CInt(_SC_PAGESIZE)))
    }
}
