// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("A DNS query")
struct DNSQueryTests {
    private func query(
        _ name: String = "engine.example",
        _ family: TransportOptions.IPFamily = .ipv4
    ) throws -> DNSQuery {
        DNSQuery(id: 0xABCD, name: try #require(DNSName(name)), family: family)
    }

    /// Parses a response to a query for `engine.example`, changed by `change`.
    private func answer(
        _ family: TransportOptions.IPFamily = .ipv4,
        _ change: (inout DNSMessage) -> Void
    ) throws -> NameAnswer {
        let query = try query("engine.example", family)
        var message = DNSMessage(answering: query)
        change(&message)
        return try query.answer(in: message.bytes)
    }

    private func failure(_ change: (inout DNSMessage) -> Void) -> DNSFailure? {
        #expect(throws: DNSFailure.self) { try answer(.ipv4, change) }
    }

    @Test("is encoded as in RFC 1035")
    func golden() throws {
        let name = Array("\u{6}engine\u{7}example\u{0}".utf8)
        let header: [UInt8] = [0xAB, 0xCD, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        #expect(try query("Engine.EXAMPLE").bytes == header + name + [0, 1, 0, 1])
        #expect(try query("engine.example", .ipv6).bytes == header + name + [0, 28, 0, 1])
    }

    @Test("names and labels that are too long are refused")
    func names() {
        let label = String(repeating: "a", count: 63)
        #expect(DNSName([label, label, label, String(repeating: "a", count: 61)].joined(separator: ".")) != nil)
        #expect(DNSName([label, label, label, String(repeating: "a", count: 62)].joined(separator: ".")) == nil)
        for name in ["", "a..b", label + "a", "."] { #expect(DNSName(name) == nil) }
    }

    @Test("is answered with the addresses of its family, in order, and the shortest TTL")
    func addresses() throws {
        let four = try answer {
            $0.add(ip("192.0.2.1"), lifetime: 300)
            $0.add(ip("2001:db8::1"))
            $0.add(ip("192.0.2.2"), lifetime: 20)
        }
        #expect(four == NameAnswer(addresses: [ip("192.0.2.1"), ip("192.0.2.2")], lifetime: .seconds(20)))
        let six = try answer(.ipv6) { $0.add(ip("2001:db8::1"), owner: DNSMessage.name("ENGINE.example")) }
        #expect(six.addresses == [ip("2001:db8::1")])
    }

    @Test("aliases are followed in any order of records, and their TTLs count")
    func aliases() throws {
        let found = try answer {
            $0.add(ip("192.0.2.1"), owner: DNSMessage.name("c.example"))
            $0.addAlias(DNSMessage.name("b.example"), to: "c.example", lifetime: 5)
            $0.addAlias(to: "b.example")
            $0.add(ip("192.0.2.9"), owner: DNSMessage.name("stranger.example"))
        }
        #expect(found == NameAnswer(addresses: [ip("192.0.2.1")], lifetime: .seconds(5)))
    }

    @Test("alias loops, chains that are too long, and chains that lead nowhere have no address")
    func circles() throws {
        #expect(try answer { $0.addAlias(to: "engine.example") }.addresses.isEmpty)
        #expect(try answer { $0.addAlias(to: "nowhere.example") }.addresses.isEmpty)
        for (count, expected) in [(8, 1), (9, 0)] {
            let found = try answer { message in
                message.addAlias(to: "a1.example")
                for number in 1..<count {
                    message.addAlias(DNSMessage.name("a\(number).example"), to: "a\(number + 1).example")
                }
                message.add(ip("192.0.2.1"), owner: DNSMessage.name("a\(count).example"))
            }
            #expect(found.addresses.count == expected, "\(count) aliases")
        }
    }

    @Test("a name that does not exist, or has no address of the family, is an answer without addresses")
    func empty() throws {
        #expect(try answer { _ in }.addresses.isEmpty)
        #expect(try answer { $0.flags = 0x8183 }.addresses.isEmpty)
    }

    @Test("the number of addresses is bounded, and a TTL with its top bit set is zero")
    func bounds() throws {
        let found = try answer { message in
            for number in 0..<100 { message.add(.v4(UInt32(number)), lifetime: 0x8000_0000) }
        }
        #expect(found.addresses.count == 16)
        #expect(found.lifetime == .zero)
    }

    @Test("a message with another ID, question or opcode, or that is a query, is not a response")
    func unrelated() {
        #expect(failure { $0.id = 1 } == .unrelated)
        #expect(failure { $0.flags = 0x0180 } == .unrelated)
        #expect(failure { $0.flags = 0x9180 } == .unrelated)
        #expect(failure { $0.question = DNSMessage.name("other.example") + [0, 1, 0, 1] } == .unrelated)
        #expect(failure { $0.question = DNSMessage.name("engine.example") + [0, 28, 0, 1] } == .unrelated)
        #expect(failure { $0.question = DNSMessage.name("engine.example") + [0, 1, 0, 3] } == .unrelated)
    }

    @Test("truncation, error codes and malformed records are distinct failures")
    func failures() {
        #expect(failure { $0.flags = 0x8380 } == .truncated)
        #expect(failure { $0.flags = 0x8182 } == .refused(code: 2))
        #expect(failure { $0.flags = 0x8185 } == .refused(code: 5))
        #expect(failure { $0.records = [.init(owner: DNSMessage.asked, type: 1, data: [1, 2, 3])] } == .malformed)
        #expect(failure { $0.records = [.init(owner: [0x80], type: 1, data: [1, 2, 3, 4])] } == .malformed)
        // A pointer to itself, a forward pointer, and a pointer loop.
        for owner: [UInt8] in [[0xC0, 32], [0xC0, 60], [0xC1, 0xFF], [1, 0x61, 0xC0, 32]] {
            #expect(failure { $0.records = [.init(owner: owner, type: 1, data: [1, 2, 3, 4])] } == .malformed)
        }
        // An alias that continues past the end of its record.
        #expect(failure { $0.records = [.init(owner: DNSMessage.asked, type: 5, data: [3, 0x61])] } == .malformed)
    }

    @Test("a name that grows by pointing to itself stops at 255 bytes")
    func growth() {
        // Every record's owner is one label and a pointer to the owner before.
        let found = failure { message in
            var previous = 12
            for _ in 0..<20 {
                let place = message.bytes.count
                let pointer: [UInt8] = [0xC0 | UInt8(previous >> 8), UInt8(previous & 0xFF)]
                message.records.append(
                    .init(owner: [20] + [UInt8](repeating: 0x61, count: 20) + pointer, type: 1, data: [1, 2, 3, 4])
                )
                previous = place
            }
        }
        #expect(found == .malformed)
    }

    @Test("a name with more pointers than the limit is refused")
    func pointers() throws {
        for (count, isRead) in [(1, true), (DNSReader.mostPointers, true), (DNSReader.mostPointers + 1, false)] {
            let query = try query()
            var message = DNSMessage(answering: query)
            // Each record's owner is a pointer to the owner before, the first one to the question.
            var target = 12
            for _ in 0..<count {
                let place = message.bytes.count
                message.add(ip("192.0.2.1"), owner: [0xC0 | UInt8(target >> 8), UInt8(target & 0xFF)])
                target = place
            }
            let bytes = message.bytes
            #expect(((try? query.answer(in: bytes))?.addresses.count == count) == isRead, "\(count)")
        }
    }

    @Test("parsing takes linear time, whatever the names point to")
    func cost() throws {
        let query = try query()
        /// A response of `length` bytes, with `head` in one record and as many other records as fit.
        func message(_ length: Int, head: [UInt8], owner: (Int) -> [UInt8]) -> [UInt8] {
            var message = DNSMessage(answering: query)
            let start = message.bytes.count + 12
            message.records.append(.init(owner: DNSMessage.asked, type: 99, data: head))
            let owner = owner(start)
            let room = length - message.bytes.count
            for _ in 0..<max(0, room / (owner.count + 14)) {
                message.records.append(.init(owner: owner, type: 1, data: [192, 0, 2, 1]))
            }
            return message.bytes
        }
        func pointer(_ place: Int) -> [UInt8] { [0xC0 | UInt8(place >> 8), UInt8(place & 0xFF)] }
        // One-byte labels make the longest name, and chained pointers fill the range that pointers can reach.
        let labels = [UInt8]((0..<126).flatMap { _ in [1, 0x61] }) + [0]
        for (head, owner) in [
            (labels, pointer),
            ([0] + (0..<7_000).flatMap { pointer($0 == 0 ? 44 : 43 + 2 * $0) }, { pointer($0 + 13_999) }),
            ([0], { place in [1, 0x61] + pointer(place) }),
            ([], { _ in labels }),
        ] as [([UInt8], (Int) -> [UInt8])] {
            let growth = Growth(of: 64_000) {
                message($0, head: head, owner: owner)
            } _: { bytes in
                for _ in 0..<4 { _ = try? query.answer(in: bytes) }
            }
            #expect(growth.isLinear, "\(growth)")
            #expect(growth.whole < .milliseconds(500), "\(growth)")
        }
    }

    @Test("every truncation of a response is refused")
    func truncations() throws {
        let query = try query()
        var message = DNSMessage(answering: query)
        message.addAlias(to: "b.example")
        message.add(ip("192.0.2.1"), owner: DNSMessage.name("b.example"))
        let bytes = message.bytes
        #expect(try query.answer(in: bytes).addresses.count == 1)
        for count in 0..<bytes.count {
            #expect(throws: DNSFailure.self) { try query.answer(in: Array(bytes.prefix(count))) }
        }
    }

    @Test("mutated responses are parsed or refused, and parsing ends", arguments: 1...4 as ClosedRange<UInt64>)
    func mutations(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let query = try query()
        var message = DNSMessage(answering: query)
        message.addAlias(to: "b.example")
        message.addAlias(DNSMessage.name("b.example"), to: "c.example")
        message.add(ip("192.0.2.1"), owner: DNSMessage.name("c.example"))
        message.add(ip("192.0.2.2"))
        var read = 0
        var refused = 0
        for _ in 0..<5_000 {
            var bytes = message.bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                // Mostly keeps the ID and the question, so that the records are parsed.
                let place = Int.random(
                    in: Bool.random(using: &random) ? 0..<bytes.count : 32..<bytes.count,
                    using: &random
                )
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1: bytes[place] = [0, 0xC0, 0xFF, 63, 64].randomElement(using: &random) ?? 0
                case 2: bytes.remove(at: place)
                default: bytes.insert(.random(in: .min ... .max, using: &random), at: place)
                }
                while bytes.count < 40 { bytes.append(0) }
            }
            do {
                let answer = try query.answer(in: bytes)
                #expect(answer.addresses.count <= 16)
                read += 1
            } catch {
                refused += 1
            }
        }
        #expect(read > 500)
        #expect(refused > 500)
    }
}
