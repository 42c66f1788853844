// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import RstreamTestSupport
import Testing

@testable import Rstream

/// Bytes that nobody sent: whatever arrives, nothing of it is passed on, and nothing is made up.
@Suite("TLS to an engine, and damage,")
struct TLSDamageTests {
    private static let all = TLSClient.Implementation.allCases
    private static let seeds: UInt64 = 60

    @Test("never passes on a byte that was not sent as it is", arguments: all)
    func damage(implementation: TLSClient.Implementation) throws {
        let fixture = try TLSFixture()
        let (client, server) = (try fixture.client(implementation), try fixture.server())
        let sent = Array("what the engine said, which is longer than a few bytes".utf8)
        var failed = 0
        for seed in 0..<Self.seeds {
            var random = SplitMix(seed: seed)
            // The handshake takes most of the bytes, and the server sends five times afterwards.
            var left = Int.random(in: 0..<2_400, using: &random)
            let bit = UInt8(1) << UInt8.random(in: 0..<8, using: &random)
            let pair = try TLSPair(client, server)
            let damage: ([UInt8]) -> [[UInt8]] = { bytes in
                var bytes = bytes
                if bytes.indices.contains(left) { bytes[left] ^= bit }
                left -= bytes.count
                return [bytes]
            }
            pair.exchange(damage)
            for _ in 0..<5 where pair.server.isOpen && !pair.server.hasFailed {
                pair.server.send(sent)
                pair.exchange(damage)
            }
            let whole = (0..<5).flatMap { _ in sent }
            #expect(whole.starts(with: pair.client.bytes), "seed \(seed)")
            if !pair.client.failures.isEmpty {
                failed += 1
                #expect(!pair.channel.isActive, "seed \(seed)")
            }
        }
        // Few bits do not matter; a length that became longer only waits.
        #expect(failed > Int(Self.seeds) / 3)
    }

    @Test("takes no noise for a handshake, and none for a record", arguments: all)
    func noise(implementation: TLSClient.Implementation) throws {
        let fixture = try TLSFixture()
        let (client, server) = (try fixture.client(implementation), try fixture.server())
        for seed in 0..<Self.seeds {
            var random = SplitMix(seed: seed)
            let isEarly = Bool.random(using: &random)
            let pair = try TLSPair(client, server)
            if !isEarly { pair.exchange() }
            // Half of it looks like records.
            let looks = Bool.random(using: &random)
            for _ in 0..<4 {
                let noise = (0..<Int.random(in: 1...300, using: &random)).map { _ in
                    UInt8.random(in: .min ... .max, using: &random)
                }
                let kind = UInt8.random(in: 20...24, using: &random)
                let header: [UInt8] = [kind, 3, 3, UInt8(noise.count >> 8), UInt8(noise.count & 0xFF)]
                pair.deliver((looks ? header : []) + noise)
            }
            #expect(pair.client.isOpen == !isEarly, "seed \(seed)")
            #expect(pair.client.bytes.isEmpty, "seed \(seed)")
        }
    }

    @Test("ends a handshake that is cut at any place", arguments: all)
    func cuts(implementation: TLSClient.Implementation) throws {
        let fixture = try TLSFixture()
        let (client, server) = (try fixture.client(implementation), try fixture.server { $0.tickets = 0 })
        for length in stride(from: 0, to: 1_200, by: 37) {
            let pair = try TLSPair(client, server)
            var left = length
            pair.exchange { bytes in
                defer { left -= min(left, bytes.count) }
                return left > 0 ? [Array(bytes.prefix(left))] : []
            }
            guard !pair.client.isOpen else { continue }
            pair.endInput()
            #expect(pair.client.failures == ["the connection was closed during the TLS handshake"], "\(length)")
        }
    }
}
