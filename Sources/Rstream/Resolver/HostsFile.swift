// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// Looks names up in `/etc/hosts` (hosts(5)). ``SystemResolver`` does so before it asks a name server.
enum HostsFile {
    static let path = "/etc/hosts"
    /// In bytes. Blocklists reach about 10 MB.
    private static let largest = 32 << 20

    /// The addresses of `name`, in the file's order; empty if the file does not have the name or cannot be read. Blocks
    /// on the disk.
    static func addresses(of name: String, path: String = path) -> [IPAddress] {
        guard let file = try? FileContents(of: path, limit: largest) else { return [] }
        return addresses(of: name, in: file.bytes)
    }

    /// The addresses of `name` in the text of a hosts file.
    static func addresses(of name: String, in text: [UInt8]) -> [IPAddress] {
        let name = Array(name.utf8)
        var addresses: [IPAddress] = []
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let fields = line.prefix { $0 != UInt8(ascii: "#") }.split { Self.isBlank($0) }
            guard fields.dropFirst().contains(where: { Self.isSame($0, name) }), let first = fields.first,
                let address = IPAddress(String(decoding: first, as: UTF8.self)), !addresses.contains(address)
            else { continue }
            addresses.append(address)
        }
        return addresses
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }

    private static func isSame(_ left: ArraySlice<UInt8>, _ right: [UInt8]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { Self.lowered($0) == Self.lowered($1) }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
