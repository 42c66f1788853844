// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel

@testable import Rstream

/// The answer of a name server: addresses of the family that was asked for, few of them, or a failure. And a hosts file.
enum DNSAnswers {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        guard let name = DNSName("engine.example.test") else { throw Finding("the name is none") }
        for family in TransportOptions.IPFamily.allCases {
            let query = DNSQuery(id: 0x1234, name: name, family: family)
            // As it came, and as an answer to the question: a server repeats both.
            let question = Array(query.bytes.dropFirst(12))
            let header: [UInt8] = [0x12, 0x34, 0x81, 0x80, 0, 1, 0, bytes.first ?? 0, 0, 0, 0, 0]
            for message in [bytes, header + question + Array(bytes.dropFirst())] { try read(message, query) }
        }
        let hosts = HostsFile.addresses(of: "engine", in: bytes)
        try demand(Set(hosts).count == hosts.count, "an address stands twice in \(hosts)")
    }

    private static func read(_ message: [UInt8], _ query: DNSQuery) throws(Finding) {
        let answer: NameAnswer
        do throws(DNSFailure) {
            answer = try query.answer(in: message)
        } catch {
            return try demand(!error.reason.isEmpty, "\(error) has no words")
        }
        try demand(answer.addresses.allSatisfy { $0.family == query.family }, "\(query.family): \(answer.addresses)")
        try demand(answer.addresses.count <= 16, "\(answer.addresses.count) addresses")
        try demand(answer.lifetime >= .zero && answer.lifetime <= .seconds(Int64(Int32.max)), "\(answer.lifetime)")
        var reader = DNSReader(message)
        // Every name that can be read is one that could be asked for.
        while let name = try? reader.readName() {
            try demand(name.bytes.count <= DNSName.longest && name.bytes.last == 0, "a name is \(name.bytes)")
        }
    }
}
