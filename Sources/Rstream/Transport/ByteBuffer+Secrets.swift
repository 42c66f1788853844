// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import RstreamModel

extension ByteBuffer {
    /// A promise for the write of this buffer, which holds a secret: when the promise completes, the buffer's whole
    /// memory is overwritten.
    ///
    /// No other buffer may share the memory. Copies in TLS and the kernel are not overwritten.
    func overwritten(on eventLoop: any EventLoop) -> EventLoopPromise<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { _ in overwrite() }
        return promise
    }

    /// Writes to the memory itself: a write to the buffer might copy it first and leave the secret behind.
    private func overwrite() {
        withVeryUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            let memory = UnsafeMutableRawPointer(mutating: start)
            SecretMemory.wipe(UnsafeMutableRawBufferPointer(start: memory, count: bytes.count))
        }
    }
}
