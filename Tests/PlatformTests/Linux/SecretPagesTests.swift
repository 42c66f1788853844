// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Linux

@Suite("Memory for secrets", .serialized, .timeLimit(.hang))
struct SecretPagesTests {
    /// All of a file whose length the kernel does not tell beforehand.
    private func text(of path: String) throws -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        try #require(file >= 0)
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(file, &chunk, chunk.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }

    /// The flags of the pages at an address (proc(5), `VmFlags`).
    private func flags(at address: UnsafeRawPointer) throws -> [Substring] {
        let address = UInt(bitPattern: address)
        var isThere = false
        for line in try text(of: "/proc/self/smaps").split(separator: "\n") {
            let words = line.split(separator: " ")
            let bounds = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            if bounds.count == 2 { isThere = (bounds[0]..<bounds[1]).contains(address) }
            if isThere, words[0] == "VmFlags:" { return Array(words.dropFirst()) }
        }
        return []
    }

    @Test(
        "is in no core dump, for secrets of every length, and no two have the same",
        arguments: [1, 64, 65, 4_096, 4_097, 100_000]
    )
    func dumps(count: Int) throws {
        let pages = SecretPages()
        var blocks = (0..<50).map { _ in pages.allocate(count) }
        for (index, block) in blocks.enumerated() {
            #expect(block.count >= count)
            block.initializeMemory(as: UInt8.self, repeating: UInt8(index))
        }
        for (index, block) in blocks.enumerated() { #expect(block.allSatisfy { $0 == UInt8(index) }) }
        let start = try #require(blocks[0].baseAddress)
        #expect(try flags(at: start).contains("dd"))
        for block in blocks { pages.release(block) }
        blocks = (0..<50).map { _ in pages.allocate(count) }
        #expect(Set(blocks.map { UInt(bitPattern: $0.baseAddress) }).count == 50)
        for block in blocks { pages.release(block) }
    }

    @Test("holds nothing any more when the last copy of a secret is gone")
    func wiped() {
        let pages = SecretPages()
        let text = "never to be seen again"
        var secret = Array(text.utf8).withUnsafeBytes { Secret(bytes: $0, in: pages.memory) } as Secret?
        var copy = secret
        // The block stays with the pages, so it may be looked at.
        let block = secret?.withBytes { UnsafeRawBufferPointer(start: $0.baseAddress, count: $0.count) }
        secret = nil
        #expect(copy?.reveal() == text)
        #expect(block.map { String(decoding: $0, as: UTF8.self) } == text)
        copy = nil
        #expect(block?.allSatisfy { $0 == 0 } == true)
    }

    @Test("is in no core dump when none is written, and the process still reads about itself")
    func forbidden() throws {
        defer { try? CoreDump.set(isPermitted: true) }
        #expect(CoreDump.isPermitted)
        try CoreDump.set(isPermitted: false)
        #expect(!CoreDump.isPermitted)
        for name in ["stat", "status", "limits", "fd", "mountinfo", "cgroup"] {
            let file = open("/proc/self/\(name)", O_RDONLY | O_CLOEXEC)
            #expect(file >= 0, "\(name)")
            close(file)
        }
        try CoreDump.set(isPermitted: true)
        #expect(CoreDump.isPermitted)
    }
}
