// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CNIOBoringSSL
internal import NIOCore

/// What BoringSSL reads from and writes to in place of a socket: the buffer that arrived, and one of the pool.
///
/// Confined to the channel's event loop. BoringSSL refers to it without owning it; ``TLSSession`` keeps it as long as
/// the `SSL`.
final class TransferBIO {
    private var arrived: ByteBuffer?
    private var outgoing: ByteBuffer?

    deinit { drop() }

    // MARK: Bytes from the network

    /// Takes bytes over. BoringSSL reads them before more arrive, except while the connection is being closed.
    func receive(_ bytes: ByteBuffer) {
        if arrived == nil {
            arrived = bytes
        } else {
            arrived?.writeImmutableBuffer(bytes)
        }
    }

    fileprivate func read(_ target: UnsafeMutableRawBufferPointer) -> CInt? {
        guard let readable = arrived?.readableBytes, readable > 0 else { return nil }
        let count = min(readable, target.count)
        unsafe arrived?.readWithUnsafeReadableBytes { source in
            unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source.prefix(count)))
            return count
        }
        if count == readable { arrived = nil }
        return CInt(count)
    }

    // MARK: Bytes for the network

    var outgoingBytes: Int { outgoing?.readableBytes ?? 0 }

    /// Takes what is to be sent.
    func takeOutgoing() -> ByteBuffer? {
        guard let bytes = outgoing.take() else { return nil }
        BufferPool.current.give(bytes)
        return bytes
    }

    fileprivate func write(_ source: UnsafeRawBufferPointer) -> CInt {
        // Taken out, so that the bytes are added without a copy of the buffer.
        var buffer = outgoing.take() ?? BufferPool.current.take(source.count)
        if buffer.readableBytes > 0, buffer.writableBytes < source.count, buffer.capacity < BufferPool.large {
            var larger = BufferPool.current.take(BufferPool.large)
            larger.writeImmutableBuffer(buffer)
            BufferPool.current.give(buffer)
            buffer = larger
        }
        unsafe buffer.writeBytes(source)
        outgoing = buffer
        return CInt(source.count)
    }

    /// Gives the buffers back.
    func drop() {
        arrived = nil
        _ = takeOutgoing()
    }

    // MARK: BoringSSL's side

    /// A new `BIO` over this; its owner is the `SSL` that gets it.
    func makeBIO() -> UnsafeMutablePointer<BIO>? {
        guard let method = unsafe Self.method, let bio = unsafe CNIOBoringSSL_BIO_new(method) else { return nil }
        unsafe CNIOBoringSSL_BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        unsafe CNIOBoringSSL_BIO_set_init(bio, 1)
        return unsafe bio
    }

    // Written once, before it is first read.
    nonisolated(unsafe) private static let method = unsafe makeMethod()

    private static func makeMethod() -> UnsafeMutablePointer<BIO_METHOD>? {
        let kind = CNIOBoringSSL_BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
        guard let method = unsafe CNIOBoringSSL_BIO_meth_new(kind, "ByteBuffer") else { return nil }
        unsafe CNIOBoringSSL_BIO_meth_set_read(method) { bio, target, count in
            unsafe CNIOBoringSSL_BIO_clear_retry_flags(bio)
            guard let target = unsafe target, count > 0, let transfer = unsafe TransferBIO.of(bio) else { return 0 }
            let bytes = unsafe UnsafeMutableRawBufferPointer(start: target, count: Int(count))
            if let count = unsafe transfer.read(bytes) { return count }
            unsafe CNIOBoringSSL_BIO_set_retry_read(bio)
            return -1
        }
        unsafe CNIOBoringSSL_BIO_meth_set_write(method) { bio, source, count in
            unsafe CNIOBoringSSL_BIO_clear_retry_flags(bio)
            guard let source = unsafe source, count > 0, let transfer = unsafe TransferBIO.of(bio) else { return 0 }
            return unsafe transfer.write(UnsafeRawBufferPointer(start: source, count: Int(count)))
        }
        unsafe CNIOBoringSSL_BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        return unsafe method
    }

    private static func of(_ bio: UnsafeMutablePointer<BIO>?) -> TransferBIO? {
        guard let data = unsafe CNIOBoringSSL_BIO_get_data(bio) else { return nil }
        return unsafe Unmanaged<TransferBIO>.fromOpaque(data).takeUnretainedValue()
    }
}
