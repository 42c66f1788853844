/// Where the bytes of secrets are kept.
///
/// This is the process's heap unless a program says otherwise when it starts; `Linux` has memory that no core dump
/// holds.
package struct SecretMemory: Sendable {
    /// Memory for so many bytes, at least one.
    let allocate: @Sendable (Int) -> UnsafeMutableRawBufferPointer
    /// Takes back what ``allocate`` gave, overwritten already.
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

    /// What new secrets are kept in. To be set before the first secret is made and before there is a second thread, or
    /// not at all, which is why nothing guards it.
    package nonisolated(unsafe) static var current = heap

    /// Overwrites memory that is not needed any more.
    ///
    /// It is not inlined, so that the compiler does not know that nobody reads the bytes afterwards, and leaves the
    /// writing in.
    @inline(never)
    package static func wipe(_ memory: UnsafeMutableRawBufferPointer) {
        memory.initializeMemory(as: UInt8.self, repeating: 0)
    }

    /// The same for an array, as long as nobody else has it: then it has memory of its own.
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
