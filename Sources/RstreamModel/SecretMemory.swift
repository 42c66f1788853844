// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Where the bytes of secrets are kept.
///
/// This is the process's heap unless a program chooses other memory when it starts; `Linux` has memory that core dumps
/// leave out.
package struct SecretMemory: Sendable {
    /// Allocates this many bytes, at least one.
    let allocate: @Sendable (Int) -> UnsafeMutableRawBufferPointer
    /// Frees memory of ``allocate``, which is overwritten already.
    let release: @Sendable (UnsafeMutableRawBufferPointer) -> Void

    package init(
        allocate: @escaping @Sendable (Int) -> UnsafeMutableRawBufferPointer,
        release: @escaping @Sendable (UnsafeMutableRawBufferPointer) -> Void
    ) {
        self.allocate = allocate
        self.release = release
    }

    private static let heap = SecretMemory { count in
        .allocate(byteCount: count, alignment: 16)
    } release: { memory in
        memory.deallocate()
    }

    /// The memory for new secrets. It is not synchronized: set it before the first secret is made and before there is a
    /// second thread, or not at all.
    package nonisolated(unsafe) static var current = heap

    /// Overwrites memory that is not needed any more.
    ///
    /// It is not inlined, so that the compiler does not know that the bytes are never read again, and keeps the
    /// writing.
    @inline(never)
    package static func wipe(_ memory: UnsafeMutableRawBufferPointer) {
        memory.initializeMemory(as: UInt8.self, repeating: 0)
    }

    /// The same for an array, as long as no other variable shares its memory.
    package static func wipe(_ bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes { wipe($0) }
    }
}

/// The bytes of one secret, which go with it. They do not change between `init` and `deinit`, so every task may read
/// them.
final class SecretStorage: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer
    private let memory: UnsafeMutableRawBufferPointer
    private let home: SecretMemory

    init(_ text: UnsafeRawBufferPointer, in home: SecretMemory) {
        self.home = home
        memory = home.allocate(max(1, text.count))
        bytes = UnsafeMutableRawBufferPointer(rebasing: memory[..<text.count])
        bytes.copyMemory(from: text)
    }

    deinit {
        SecretMemory.wipe(memory)
        home.release(memory)
    }
}
