// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Crypto
import FoundationEssentials
import NIOCore

/// Bytes that are known from a seed, without keeping them: slices of one random-looking block in an order that the
/// seed decides. Lost, doubled or exchanged bytes change the digest.
struct Content: Hashable, Sendable {
    let seed: UInt64
    let count: Int

    private static let chunk = 64 * 1_024
    private static let starts: UInt64 = 1_024 * 1_024
    /// A chunk may start anywhere in the first mebibyte.
    private static let block: ByteBuffer = {
        var block = ByteBuffer()
        let length = Int(starts) + chunk
        block.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { bytes in
            var state: UInt64 = 1
            for offset in stride(from: 0, to: length, by: 8) {
                // SplitMix64: good enough that no two slices look alike.
                state &+= 0x9E37_79B9_7F4A_7C15
                var word = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
                word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
                bytes.storeBytes(of: word ^ (word >> 31), toByteOffset: offset, as: UInt64.self)
            }
            return length
        }
        return block
    }()

    /// The next bytes from `offset` on: at most one chunk, and nothing behind the end.
    func bytes(at offset: Int) -> ByteBuffer {
        let (index, within) = (offset / Self.chunk, offset % Self.chunk)
        let start = (seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(index) &* 40_503) % Self.starts
        let length = min(Self.chunk - within, count - offset)
        return Self.block.getSlice(at: Int(start) + within, length: max(length, 0)) ?? ByteBuffer()
    }

    /// The digest of all of it.
    var digest: Digest {
        var hash = RunningDigest()
        var offset = 0
        while offset < count {
            let part = bytes(at: offset)
            hash.update(part)
            offset += part.readableBytes
        }
        return hash.value
    }

    /// All of it in one piece.
    var whole: ByteBuffer {
        var all = ByteBuffer()
        while all.readableBytes < count {
            var part = bytes(at: all.readableBytes)
            all.writeBuffer(&part)
        }
        return all
    }

    /// Writes all of it to a file.
    func write(to path: String) throws {
        try whole.withUnsafeReadableBytes { try Data($0).write(to: URL(filePath: path)) }
    }
}

/// A SHA-256 and how many bytes it is of.
struct Digest: Hashable, Sendable {
    let count: Int
    let bytes: [UInt8]

    init(count: Int, bytes: [UInt8]) {
        self.count = count
        self.bytes = bytes
    }

    /// The digest of what a file holds.
    init(ofFile path: String) throws {
        let data = try Data(contentsOf: URL(filePath: path))
        self.init(count: data.count, bytes: Array(SHA256.hash(data: data)))
    }
}

/// A digest that grows with what arrives.
struct RunningDigest {
    private var hash = SHA256()
    private(set) var count = 0

    mutating func update(_ bytes: ByteBuffer) {
        bytes.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        count += bytes.readableBytes
    }

    var value: Digest { Digest(count: count, bytes: Array(hash.finalize())) }
}
