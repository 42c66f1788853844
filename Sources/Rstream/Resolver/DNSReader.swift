// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Reads a DNS message from front to back (RFC 1035 §4) for ``DNSQuery``. It checks every length and every pointer.
struct DNSReader {
    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func readUInt16() throws(DNSFailure) -> UInt16 {
        let octets = try readBytes(2)
        return octets.reduce(0) { $0 << 8 | UInt16($1) }
    }

    mutating func readUInt32() throws(DNSFailure) -> UInt32 {
        let octets = try readBytes(4)
        return octets.reduce(0) { $0 << 8 | UInt32($1) }
    }

    mutating func readBytes(_ count: Int) throws(DNSFailure) -> ArraySlice<UInt8> {
        guard count <= bytes.count - position else { throw .malformed }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// Compression pointers in one name. A server needs one; without a bound, chains of pointers would make parsing
    /// quadratic.
    static let mostPointers = 8

    /// Reads a possibly compressed name. Each pointer must lead to before the part of the name that it ends, which
    /// rules out loops.
    mutating func readName() throws(DNSFailure) -> DNSName {
        var name: [UInt8] = []
        var place = position
        var start = position
        var end: Int?
        var pointers = 0
        while place < bytes.count {
            let byte = bytes[place]
            switch byte >> 6 {
            case 0 where byte == 0:
                position = end ?? place + 1
                return DNSName(wire: name + [0])
            case 0:
                let next = place + 1 + Int(byte)
                guard next <= bytes.count, name.count + 1 + Int(byte) < DNSName.longest else { throw .malformed }
                name += bytes[place..<next]
                place = next
            case 3:
                pointers += 1
                guard place + 1 < bytes.count, pointers <= Self.mostPointers else { throw .malformed }
                let target = Int(byte & 0x3F) << 8 | Int(bytes[place + 1])
                guard target < start else { throw .malformed }
                end = end ?? place + 2
                start = target
                place = target
            default: throw .malformed
            }
        }
        throw .malformed
    }
}
