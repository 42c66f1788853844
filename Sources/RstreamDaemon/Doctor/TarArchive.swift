// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A tar archive of small text files (POSIX ustar), uncompressed.
struct TarArchive {
    private static let block = 512

    private(set) var bytes: [UInt8] = []

    /// Adds a file; `name` has at most 100 bytes.
    mutating func add(_ name: String, _ contents: [UInt8], modifiedAt seconds: Int) {
        var header = [UInt8](repeating: 0, count: Self.block)
        func write(_ text: String, at offset: Int, atMost length: Int) {
            for (index, byte) in text.utf8.prefix(length).enumerated() { header[offset + index] = byte }
        }
        func octal(_ value: Int, digits: Int) -> String {
            let text = String(max(0, value), radix: 8)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        write(name, at: 0, atMost: 100)
        write(octal(0o600, digits: 7), at: 100, atMost: 7)
        write(octal(0, digits: 7), at: 108, atMost: 7)
        write(octal(0, digits: 7), at: 116, atMost: 7)
        write(octal(contents.count, digits: 11), at: 124, atMost: 11)
        write(octal(seconds, digits: 11), at: 136, atMost: 11)
        write("0", at: 156, atMost: 1)
        write("ustar", at: 257, atMost: 5)
        write("00", at: 263, atMost: 2)
        // The checksum is that of a header whose checksum is eight spaces.
        let sum = header.reduce(0) { $0 + Int($1) } + 8 * 0x20
        write(octal(sum, digits: 6), at: 148, atMost: 6)
        header[155] = 0x20
        bytes += header + contents
        bytes += [UInt8](repeating: 0, count: (Self.block - contents.count % Self.block) % Self.block)
    }

    /// Two empty blocks are the end.
    func finished() -> [UInt8] { bytes + [UInt8](repeating: 0, count: 2 * Self.block) }
}
