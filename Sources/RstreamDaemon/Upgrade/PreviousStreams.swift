// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamAdmin
internal import RstreamModel
internal import Synchronization

/// Asks a process that was taken over from, and those before it, about their streams.
///
/// A question ends with its answer, or after a time: no call waits for a process that is stuck. Guarded by a mutex.
final class PreviousStreams: Sendable {
    /// What there is to a question so far.
    struct Answer: Hashable, Sendable {
        var streams: [StreamStatus] = []
        var isFound = false
    }

    /// For an answer.
    static let patience = Duration.seconds(2)
    /// Streams that one process tells of.
    static let most = 2_000
    /// Streams in one message, which all fit into a record.
    static let part = 20
    /// Streams of all processes that are taken in.
    private static let mostTaken = 20_000

    private struct Question {
        var answer = Answer()
        let continuation: CheckedContinuation<Answer, Never>
    }

    private struct State {
        var last = 0
        var questions: [Int: Question] = [:]
    }

    private let state = Lock(State())
    private let patience: Duration
    private let send: @Sendable (UpgradeMessage) -> Void

    init(patience: Duration = PreviousStreams.patience, _ send: @escaping @Sendable (UpgradeMessage) -> Void) {
        self.patience = patience
        self.send = send
    }

    /// The open streams, as far as they are told within ``patience``.
    func list() async -> [StreamStatus] { await ask { .listStreams(question: $0) }.streams }

    /// Cuts a stream. Returns whether it was found within ``patience``.
    func cut(_ stream: UInt64, of process: Int) async -> Bool {
        await ask { .cutStream(question: $0, process: process, stream: stream) }.isFound
    }

    private func ask(_ message: (Int) -> UpgradeMessage) async -> Answer {
        let timer = DelayedCall()
        defer { timer.cancel() }
        return await withCheckedContinuation { continuation in
            let number = state.withLock { state in
                state.last += 1
                state.questions[state.last] = Question(continuation: continuation)
                return state.last
            }
            timer.set(patience) { [weak self] in self?.end(number) }
            send(message(number))
        }
    }

    /// Takes what the process says. Returns false for an answer to a question that was not asked here, or that is over.
    func take(_ message: UpgradeMessage) -> Bool {
        switch message {
        case .streams(let number, let streams):
            return state.withLock { state in
                guard let taken = state.questions[number]?.answer.streams.count else { return false }
                state.questions[number]?.answer.streams += streams.prefix(max(Self.mostTaken - taken, 0))
                return true
            }
        case .answered(let number, let isFound):
            return end(number, isFound: isFound)
        default: return false
        }
    }

    /// Nothing more is said: the process has ended.
    func endAll() {
        for number in state.withLock({ Array($0.questions.keys) }) { end(number) }
    }

    @discardableResult
    private func end(_ number: Int, isFound: Bool = false) -> Bool {
        guard var question = state.withLock({ $0.questions.removeValue(forKey: number) }) else { return false }
        question.answer.isFound = isFound
        question.continuation.resume(returning: question.answer)
        return true
    }
}

/// The id of a stream of a process before this one, as the admin API shows it.
struct PreviousStreamID: Hashable, Sendable, CustomStringConvertible {
    let process: Int
    let stream: UInt64

    var description: String { "\(process)-\(stream)" }

    init(process: Int, stream: UInt64) { (self.process, self.stream) = (process, stream) }

    init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count == 2, let first = String(parts[0]), let second = String(parts[1]), let process = Int(first),
            let stream = UInt64(second), process > 0
        else {
            return nil
        }
        self.init(process: process, stream: stream)
        // Written in one way only.
        guard description.sameBytes(as: text) else { return nil }
    }
}

extension StreamStatus {
    /// As a successor shows it: it may end, and is in another process.
    func left(in process: Int) -> StreamStatus {
        guard self.process == nil, let number = UInt64(id) else { return self }
        var status = self
        (status.id, status.process) = (PreviousStreamID(process: process, stream: number).description, process)
        if status.state == .relaying { status.state = .draining }
        return status
    }
}
