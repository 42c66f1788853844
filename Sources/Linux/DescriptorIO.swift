// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import RstreamModel

/// Reads and writes whole contents: what one read(2) or write(2) leaves over, and what a signal interrupts, is taken up
/// again.
package enum DescriptorIO {
    /// Why a file could not be read to its end.
    package enum ReadFailure: Error, Hashable, Sendable {
        /// It is longer than the limit.
        case tooLong
        /// The kernel's reason, an `errno`.
        case failed(Int32)
    }

    /// Everything in a file, from its start, wherever the descriptor stands in it. `size` is how long it seems to be.
    ///
    /// Any file may hold a secret: with the right `size` no buffer has to grow, so no copy is left behind.
    package static func read(_ descriptor: Int32, limit: Int, size: Int = 0) throws(ReadFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(max(0, min(limit, size)))
        var chunk = [UInt8](repeating: 0, count: 64 * 1_024)
        defer { SecretMemory.wipe(&chunk) }
        while true {
            let count = unsafe pread(descriptor, &chunk, chunk.count, off_t(bytes.count))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .failed(errno) }
            guard count > 0 else { return bytes }
            guard bytes.count + count <= limit else { throw .tooLong }
            bytes += chunk[..<count]
        }
    }

    /// Writes all of the bytes. A pipe or a terminal that another process has made non-blocking is waited for.
    package static func write(_ bytes: [UInt8], to descriptor: Int32) throws(SystemError) {
        let code = unsafe bytes.withUnsafeBytes { unsafe write($0, to: descriptor) }
        if code != 0 { throw SystemError("write", code) }
    }

    /// Writes a text as UTF-8, in one call where the kernel takes it whole: lines of several processes do not mix then.
    package static func write(_ text: String, to descriptor: Int32) throws(SystemError) {
        var text = text
        let code = text.withUTF8 { unsafe write(UnsafeRawBufferPointer($0), to: descriptor) }
        if code != 0 { throw SystemError("write", code) }
    }

    /// Zero, or the kernel's reason.
    private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
        var rest = unsafe bytes[...]
        while unsafe !rest.isEmpty {
            let count = unsafe Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count > 0 {
                unsafe rest = rest.dropFirst(count)
            } else if count == 0 {
                return EIO
            } else if errno == EAGAIN {
                var readiness = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&readiness, 1, -1)
            } else if errno != EINTR {
                return errno
            }
        }
        return 0
    }
}

/// A file that the kernel makes up when it is read, as those of `/proc` and `/sys` are, which ``HostFile`` refuses.
package struct KernelFile: Sendable {
    /// Longer than any of them.
    private static let longest = 1 << 20

    private let descriptor: Int32

    /// Opens the file for the life of the process: one that is out of descriptors could not open it later.
    package init(keptOpen path: String) {
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    }

    /// What it says now; nil when it could not be opened or read.
    package var text: String? {
        guard descriptor >= 0, let bytes = try? DescriptorIO.read(descriptor, limit: Self.longest), !bytes.isEmpty
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What the file at `path` says; nil when it is empty, or cannot be read.
    package static func text(at path: String) -> String? {
        let file = KernelFile(keptOpen: path)
        defer { if file.descriptor >= 0 { close(file.descriptor) } }
        return file.text
    }
}
