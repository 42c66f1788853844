// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import NIOCore
internal import Rstream
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket
internal import Synchronization

/// The private tunnel that a session's canaries go to, whose streams the daemon answers itself.
///
/// It takes the way of every visitor: the engine asks for the stream on the control channel, and the daemon dials the
/// engine and sends its request. Each canary brings words that were drawn for it alone and gets an answer that was, so
/// that no other stream passes for one, and nothing but this tunnel can answer one. Its name is drawn, too, and
/// canaries go by its id: no other tunnel is meant. Guarded by a mutex.
final class CanaryTunnel: Sendable {
    /// Both are random and used once.
    private struct Words: Sendable {
        let question: [UInt8]
        let answer: [UInt8]
    }

    /// Bytes of a question, and of an answer.
    private static let length = 32
    /// Streams at a time. A program that may dial private tunnels of the project may come here, and is told nothing.
    private static let streams = 4

    private let tunnel: RstreamTunnel
    private let expected = Lock<Words?>(nil)

    /// Opens the tunnel; ``serve()`` answers its streams.
    init(on channel: RstreamControlChannel) async throws(RstreamError) {
        var random = SystemRandomNumberGenerator()
        let number = String(random.next() as UInt64, radix: 16)
        tunnel = try await channel.createTunnel(TunnelSpec(name: "rstreamd-canary-\(number)", publish: false))
    }

    /// Answers streams until the tunnel has ended or the task is cancelled.
    func serve() async {
        try? await tunnel.serve(maxConcurrentStreams: Self.streams) { [self] stream in
            let channel = stream.channel
            let limit = channel.eventLoop.scheduleTask(in: TimeAmount(CanaryStateMachine.timeout)) {
                channel.abort()
            }
            defer { limit.cancel() }
            // A stream that breaks is told by the end that asked.
            try? await stream.withBytes { inbound, outbound in
                var question: [UInt8] = []
                // To the end: a loop that is left reads no more, and a close in order would wait in vain.
                for try await part in inbound where question.count < Self.length {
                    question += part.readableBytesView.prefix(Self.length - question.count)
                    guard question.count == Self.length else { continue }
                    if let answer = self.answer(to: question) { try await outbound.write(ByteBuffer(bytes: answer)) }
                    outbound.finish()
                }
            }
        }
    }

    /// The answer to the canary that is under way; nil for everything else.
    private func answer(to question: [UInt8]) -> [UInt8]? {
        expected.withLock { expected -> [UInt8]? in
            guard let words = expected, words.question == question else { return nil }
            expected = nil
            return words.answer
        }
    }

    func close() async { await tunnel.close() }

    /// Sends one canary by `client`. Returns when it was back.
    func pass(by client: RstreamClient) async throws(CanaryFailure) -> ContinuousClock.Instant {
        var random = SystemRandomNumberGenerator()
        let words = Words(question: Self.draw(using: &random), answer: Self.draw(using: &random))
        expected.withLock { $0 = words }
        defer { expected.withLock { $0 = nil } }
        let received: (words: [UInt8], at: ContinuousClock.Instant)
        do {
            let stream = try await client.dial(tunnel.id, zeroRTT: false)
            received = try await stream.withBytes { inbound, outbound in
                var (answer, now) = ([UInt8](), ContinuousClock.now)
                try await outbound.write(ByteBuffer(bytes: words.question))
                do {
                    for try await part in inbound where answer.count < Self.length {
                        answer += part.readableBytesView.prefix(Self.length - answer.count)
                        guard answer.count == Self.length else { continue }
                        now = .now
                        outbound.finish()
                    }
                } catch {
                    // However it ends, an answer that is there counts.
                    if answer.count < Self.length { throw error }
                }
                return (words: answer, at: now)
            }
        } catch let error as RstreamError {
            throw CanaryFailure(error)
        } catch {
            // Reset, or ended before it began.
            throw .lost
        }
        guard received.words.count == Self.length else { throw .lost }
        guard received.words == words.answer else { throw .altered }
        return received.at
    }

    private static func draw(using random: inout SystemRandomNumberGenerator) -> [UInt8] {
        (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    }
}
