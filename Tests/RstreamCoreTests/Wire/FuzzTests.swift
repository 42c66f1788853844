// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import RstreamTestSupport
import RstreamWire
import Testing

@Suite("no bytes can harm the reader")
struct FuzzTests {
    private static let corpus = Vector.all.map(\.frame) + Samples.messages.compactMap { try? frame($0) }

    @Test("5,000 mutated streams are read or refused, and reading ends", arguments: 1...4 as ClosedRange<UInt64>)
    func mutations(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var messages = 0
        var refusals = 0
        for round in 0..<5_000 {
            let place = "seed \(seed), round \(round)"
            let stream = mutated(using: &random)
            var reader = FrameReader()
            var start = 0
            reading: while start < stream.count {
                let end = min(stream.count, start + .random(in: 1...40, using: &random))
                reader.append(stream[start..<end])
                start = end
                // A frame takes at least its header, so this is more than there can be.
                for step in 0... {
                    try #require(step <= stream.count / 4 + 1, "\(place): reading does not end")
                    do {
                        guard let message = try reader.next() else { break }
                        messages += 1
                        // What a grant was refused for is not told in bytes.
                        if case .openTunnelResponse(let response) = message, case .unusable = response.outcome {
                            continue
                        }
                        if try Message(payload: message.payload()) != message {
                            Issue.record("\(place): \(message) is not read back the same")
                        }
                    } catch {
                        refusals += 1
                        break reading
                    }
                }
            }
        }
        // Both kinds of end were reached, often.
        #expect(messages > 1_000)
        #expect(refusals > 1_000)
    }

    @Test("random bytes are read or refused", arguments: 1...4 as ClosedRange<UInt64>)
    func noise(seed: UInt64) {
        var random = SplitMix(seed: seed)
        for _ in 0..<2_000 {
            let payload = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                UInt8.random(in: .min ... .max, using: &random)
            }
            _ = try? Message(payload: payload)
        }
    }

    @Test("every truncation of a payload is read or refused")
    func truncatedPayloads() {
        for frame in Self.corpus {
            let payload = frame.dropFirst(4)
            for count in 0...payload.count { _ = try? Message(payload: Array(payload.prefix(count))) }
        }
    }

    @Test("messages inside messages inside messages do not exhaust the stack")
    func nesting() {
        // Field 20 opens a group, as often as a frame has room for it.
        let payload = Array(repeatElement([0xA3, 0x01] as [UInt8], count: 32_000).joined())
        #expect(throws: FrameError.malformed) { try Message(payload: payload) }
        let closed = payload + Array(repeatElement([0xA4, 0x01] as [UInt8], count: 32_000).joined())
        _ = try? Message(payload: closed)
    }

    private func mutated(using random: inout SplitMix) -> [UInt8] {
        var stream: [UInt8] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            stream += Self.corpus.randomElement(using: &random) ?? []
        }
        for _ in 0..<Int.random(in: 1...4, using: &random) where !stream.isEmpty {
            let place = Int.random(in: stream.indices, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: stream[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: stream[place] = .random(in: .min ... .max, using: &random)
            case 2: stream.remove(at: place)
            case 3: stream.insert(.random(in: .min ... .max, using: &random), at: place)
            case 4: stream[place] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
            default: stream.removeSubrange(place..<min(stream.count, place + 5))
            }
        }
        return stream
    }
}
