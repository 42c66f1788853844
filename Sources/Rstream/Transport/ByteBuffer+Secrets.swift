internal import NIOCore
internal import RstreamModel

extension ByteBuffer {
    /// The promise of a write of this buffer, which holds a secret: when it completes, the buffer's memory
    /// is overwritten.
    ///
    /// No other code may hold the buffer or a part of it. Copies in TLS and the kernel are not touched.
    func overwritten(on eventLoop: any EventLoop) -> EventLoopPromise<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { _ in overwrite() }
        return promise
    }

    /// Writes to the memory itself, where writing to a buffer might copy it first and leave the secret behind.
    private func overwrite() {
        withVeryUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            let memory = UnsafeMutableRawPointer(mutating: start)
            SecretMemory.wipe(UnsafeMutableRawBufferPointer(start: memory, count: bytes.count))
        }
    }
}
