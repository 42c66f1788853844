// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc

/// A connection to a Unix socket for a program that does nothing else meanwhile: every call blocks its thread.
package struct LocalStream: Sendable {
    private static let chunk = 64 * 1_024

    private let descriptor: Int32

    /// Connects to the socket at `path`.
    package init(connectingTo path: String) throws(SystemError) {
        MayBlock.now("connecting to a Unix socket")
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        // The last byte ends the path.
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError("connect", ENAMETOOLONG)
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError("socket", errno) }
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe Glibc.connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let code = errno
            _ = Glibc.close(descriptor)
            throw SystemError("connect", code)
        }
        self.descriptor = descriptor
    }

    /// Writes all of the bytes.
    package func write(_ bytes: [UInt8]) throws(SystemError) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes[sent...].withUnsafeBytes { bytes in
                unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SystemError("send", errno) }
            sent += count
        }
    }

    /// Reads exactly so many bytes, or fewer if the other end sends no more. The error is `ETIMEDOUT` when nothing came
    /// within `limit`.
    package func read(_ count: Int, within limit: Duration) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            guard Self.hasInput(descriptor, within: limit) else { throw SystemError("read", ETIMEDOUT) }
            let next = try Self.read(from: descriptor, most: min(Self.chunk, count - bytes.count))
            guard !next.isEmpty else { break }
            bytes += next
        }
        return bytes
    }

    /// Copies from a descriptor until its end, and says so to the other end.
    package func send(allOf input: Int32) throws(SystemError) {
        while true {
            let bytes = try Self.read(from: input, most: Self.chunk)
            guard !bytes.isEmpty else { break }
            try write(bytes)
        }
        endOutput()
    }

    /// The other end reads no more after what was written.
    package func endOutput() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Copies what comes to a descriptor until the other end has no more.
    package func receive(into output: Int32) throws(SystemError) {
        while true {
            let bytes = try Self.read(from: descriptor, most: Self.chunk)
            guard !bytes.isEmpty else { return }
            try DescriptorIO.write(bytes, to: output)
        }
    }

    /// At least one byte; none at the end.
    private static func read(from descriptor: Int32, most: Int) throws(SystemError) -> [UInt8] {
        while true {
            var code: Int32 = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
                let result = unsafe Glibc.read(descriptor, buffer.baseAddress, most)
                code = result < 0 ? errno : 0
                count = max(0, result)
            }
            switch code {
            case 0: return bytes
            case EINTR: continue
            // Another process that has the same descriptor made it non-blocking.
            case EAGAIN: _ = hasInput(descriptor, within: nil)
            default: throw SystemError("read", code)
            }
        }
    }

    /// Whether something can be read, the end included, within `limit`; nil for as long as it takes.
    private static func hasInput(_ descriptor: Int32, within limit: Duration?) -> Bool {
        var readiness = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let milliseconds = limit.map { Int32(clamping: Int64($0 / .milliseconds(1))) } ?? -1
        while true {
            let result = unsafe poll(&readiness, 1, milliseconds)
            guard result < 0, errno == EINTR else { return result > 0 }
        }
    }
}
