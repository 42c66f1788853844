/// Reads a DNS message from front to back (RFC 1035 §4). It trusts no length and no pointer in it.
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

    /// Pointers in one name. A writer needs one, and without a bound a chain of them would make reading a message cost the
    /// square of its length.
    static let mostPointers = 8

    /// A name, whose tail may stand elsewhere in the message. A pointer must lead to before everything that was read
    /// of the name so far, so there is no circle.
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
