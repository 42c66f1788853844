// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel

@testable import Rstream

/// Writes DNS messages, valid and invalid.
struct DNSMessage {
    struct Record {
        var owner: [UInt8]
        var type: UInt16
        var lifetime: UInt32 = 60
        var data: [UInt8]
    }

    var id: UInt16
    var flags: UInt16 = 0x8180
    var question: [UInt8]
    var records: [Record] = []

    /// An answer to `query` without records.
    init(answering query: DNSQuery) {
        id = query.id
        question = Array(query.bytes.dropFirst(12))
    }

    /// An answer to the question in `bytes`, without records.
    init(answering bytes: [UInt8]) {
        id = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        question = Array(bytes.dropFirst(12))
    }

    /// Whether IPv6 addresses are asked for.
    var asksForIPv6: Bool { question.suffix(4).elementsEqual([0, 28, 0, 1]) }

    /// Points to the name in the question.
    static let asked: [UInt8] = [0xC0, 12]

    var bytes: [UInt8] {
        let header: [UInt16] = [id, flags, 1, UInt16(records.count), 0, 0]
        return header.flatMap(Self.octets) + question + records.flatMap(Self.bytes(of:))
    }

    private static func bytes(of record: Record) -> [UInt8] {
        let lifetime = [UInt16(record.lifetime >> 16), UInt16(record.lifetime & 0xFFFF)]
        let numbers: [UInt16] = [record.type, 1] + lifetime + [UInt16(record.data.count)]
        return record.owner + numbers.flatMap(octets) + record.data
    }

    mutating func add(_ address: IPAddress, owner: [UInt8] = asked, lifetime: UInt32 = 60) {
        let type: UInt16 = address.octets.count == 4 ? 1 : 28
        records.append(Record(owner: owner, type: type, lifetime: lifetime, data: address.octets))
    }

    mutating func addAlias(_ owner: [UInt8] = asked, to name: String, lifetime: UInt32 = 60) {
        records.append(Record(owner: owner, type: 5, lifetime: lifetime, data: Self.name(name)))
    }

    static func name(_ text: String) -> [UInt8] { DNSName(text)?.bytes ?? [] }

    static func octets(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }
}

/// Reads a test's address literal.
func ip(_ text: String) -> IPAddress {
    IPAddress(text) ?? .v4(0)
}
