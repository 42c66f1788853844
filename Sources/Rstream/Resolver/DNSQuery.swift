// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// A query to a name server, and the parser of its response (RFC 1035 §4), for ``DNSResolver``.
///
/// Pure: bytes in, addresses out. The random ID and the source port are what an attacker must guess to forge a
/// response.
struct DNSQuery: Hashable, Sendable {
    let id: UInt16
    let name: DNSName
    let family: TransportOptions.IPFamily

    private enum RecordType {
        static let a: UInt16 = 1
        static let cname: UInt16 = 5
        static let aaaa: UInt16 = 28
    }

    private static let internet: UInt16 = 1
    /// How many CNAME records are followed.
    private static let longestChain = 8
    /// Records that are parsed. The useful ones come first, and a message has room for thousands of others.
    private static let mostRecords = 256
    /// More addresses would not be dialed.
    private static let mostAddresses = 16

    private var type: UInt16 {
        switch family {
        case .ipv4: RecordType.a
        case .ipv6: RecordType.aaaa
        }
    }

    /// The query message, with recursion desired (RD).
    var bytes: [UInt8] {
        let header: [UInt16] = [id, 0x0100, 1, 0, 0, 0]
        return header.flatMap(\.octets) + name.bytes + type.octets + Self.internet.octets
    }

    /// Parses a response. Over UDP, ``DNSFailure/unrelated`` messages are ignored, since anyone can send one.
    func answer(in message: [UInt8]) throws(DNSFailure) -> NameAnswer {
        var reader = DNSReader(message)
        let id = try reader.readUInt16()
        let flags = try reader.readUInt16()
        let questions = try reader.readUInt16()
        let answers = try reader.readUInt16()
        _ = try reader.readBytes(4)
        // A response (QR) to a standard query (opcode 0).
        guard id == self.id, flags & 0xF800 == 0x8000, questions == 1 else { throw .unrelated }
        let asked = (try reader.readName(), try reader.readUInt16(), try reader.readUInt16())
        guard asked == (name, type, Self.internet) else { throw .unrelated }
        guard flags & 0x0200 == 0 else { throw .truncated }
        switch flags & 0x000F {
        case 0: return try records(answers, &reader)
        // NXDOMAIN
        case 3: return NameAnswer(addresses: [])
        case let code: throw .refused(code: UInt8(truncatingIfNeeded: code))
        }
    }

    private struct Record {
        var addresses: [IPAddress] = []
        var alias: DNSName?
        var lifetime = UInt32.max
    }

    private func records(_ count: UInt16, _ reader: inout DNSReader) throws(DNSFailure) -> NameAnswer {
        var found: [DNSName: Record] = [:]
        for _ in 0..<min(Int(count), Self.mostRecords) {
            let owner = try reader.readName()
            let kind = (try reader.readUInt16(), try reader.readUInt16())
            let lifetime = try reader.readUInt32()
            let length = Int(try reader.readUInt16())
            var data = reader
            let octets = try reader.readBytes(length)
            guard kind.1 == Self.internet else { continue }
            var record = found[owner] ?? Record()
            switch kind.0 {
            case RecordType.cname:
                record.alias = try data.readName()
                guard data.position <= reader.position else { throw .malformed }
            case type:
                guard let address = Self.address(octets, family) else { throw .malformed }
                if record.addresses.count < Self.mostAddresses { record.addresses.append(address) }
            default: continue
            }
            // RFC 2181 §8: a TTL with its most significant bit set counts as zero.
            record.lifetime = min(record.lifetime, lifetime > UInt32(Int32.max) ? 0 : lifetime)
            found[owner] = record
        }
        return follow(found)
    }

    private func follow(_ found: [DNSName: Record]) -> NameAnswer {
        var name = name
        var lifetime = UInt32.max
        for _ in 0...Self.longestChain {
            guard let record = found[name] else { break }
            lifetime = min(lifetime, record.lifetime)
            if !record.addresses.isEmpty {
                return NameAnswer(addresses: record.addresses, lifetime: .seconds(Int64(lifetime)))
            }
            guard let alias = record.alias else { break }
            name = alias
        }
        return NameAnswer(addresses: [])
    }

    private static func address(_ octets: ArraySlice<UInt8>, _ family: TransportOptions.IPFamily) -> IPAddress? {
        switch family {
        case .ipv4: octets.count == 4 ? .v4(octets.reduce(0) { $0 << 8 | UInt32($1) }) : nil
        case .ipv6: IPAddress(v6Octets: Array(octets))
        }
    }
}

/// Why a query failed.
enum DNSFailure: Error, Hashable, Sendable {
    /// Not a DNS message.
    case malformed
    /// Not a response to this query.
    case unrelated
    /// The response did not fit in a datagram (TC).
    case truncated
    /// The server answered with another RCODE than NOERROR or NXDOMAIN.
    case refused(code: UInt8)
    /// No response in time.
    case timeout
    /// The server's own name has no address.
    case serverUnresolved
    /// The connection was closed without a response.
    case closed

    /// Follows the name of the server in an error.
    var reason: String {
        switch self {
        case .malformed, .unrelated, .truncated: "it sent an invalid response"
        case .refused(code: 2): "it failed (SERVFAIL)"
        case .refused(code: 5): "it refuses to answer (REFUSED)"
        case .refused(let code): "it answers with code \(code)"
        case .timeout: "it does not answer"
        case .serverUnresolved: "its own name cannot be resolved"
        case .closed: "it closed the connection"
        }
    }
}

extension UInt16 {
    /// In network byte order.
    fileprivate var octets: [UInt8] { [UInt8(truncatingIfNeeded: self >> 8), UInt8(truncatingIfNeeded: self)] }
}
