internal import Logging
internal import NIOCore
internal import RstreamCore
internal import RstreamModel
internal import Synchronization

/// Answers a client's questions about names: asks its source once for all who want to know at the same time, and
/// remembers what it said. A source that takes its time is not waited for by those who can do with an older answer, as in
/// RFC 8767; what it says in the end is remembered all the same.
///
/// The memory and the questions under way are guarded by a mutex.
final class NameService: Sendable {
    /// What became of a question; failures are values here, because two families are weighed together.
    typealias Outcome = Result<NameAnswer, any Error>

    private struct State {
        var memory = NameMemory()
        var asking: [NameQuestion: Asking] = [:]
    }

    private struct Asking {
        let answer: EventLoopFuture<Outcome>
        let since: ContinuousClock.Instant
    }

    private enum Course {
        case known([IPAddress])
        case join(EventLoopFuture<Outcome>)
        case ask(EventLoopPromise<Outcome>)
    }

    private let source: any AddressSource
    private let logger: Logger
    private let patience: Duration
    private let state = Mutex(State())

    /// `patience` is how long a question may be open for those who know an older answer.
    init(_ source: any AddressSource, logger: Logger, patience: Duration = .milliseconds(1_800)) {
        self.source = source
        self.logger = logger
        self.patience = patience
    }

    /// Answers all questions of one connection, each by itself; none of the futures fails.
    func outcomes(
        _ questions: [NameQuestion],
        on eventLoop: any EventLoop
    ) -> [EventLoopFuture<Outcome>] {
        let isKnown = state.withLock { state in questions.contains { !state.memory.last($0).isEmpty } }
        return questions.map { question in
            let answer = outcome(question, on: eventLoop)
            return isKnown ? impatient(answer, question, on: eventLoop) : answer
        }
    }

    private func impatient(
        _ answer: EventLoopFuture<Outcome>,
        _ question: NameQuestion,
        on eventLoop: any EventLoop
    ) -> EventLoopFuture<Outcome> {
        guard let since = state.withLock({ $0.asking[question]?.since }) else { return answer }
        let promise = eventLoop.makePromise(of: Outcome.self)
        let left = max(.zero, patience - since.duration(to: .now))
        let timer = eventLoop.scheduleTask(in: TimeAmount(left)) { [patience] in
            let reason = "no answer within \(patience.secondsText)"
            promise.succeed(.failure(NameFailure(name: question.name, reason: reason)))
        }
        answer.whenSuccess { outcome in
            timer.cancel()
            promise.succeed(outcome)
        }
        return promise.futureResult
    }

    /// Answers from memory while that is fresh, and from the source otherwise. The future never fails.
    func outcome(_ question: NameQuestion, on eventLoop: any EventLoop) -> EventLoopFuture<Outcome> {
        let course = state.withLock { state -> Course in
            if let addresses = state.memory.fresh(question, at: .now) { return .known(addresses) }
            if let asking = state.asking[question] { return .join(asking.answer) }
            let promise = eventLoop.makePromise(of: Outcome.self)
            state.asking[question] = Asking(answer: promise.futureResult, since: .now)
            return .ask(promise)
        }
        switch course {
        case .known(let addresses):
            return eventLoop.makeSucceededFuture(.success(NameAnswer(addresses: addresses)))
        case .join(let future):
            return future.hop(to: eventLoop)
        case .ask(let promise):
            source.lookUp(question, on: eventLoop).whenComplete { outcome in
                self.state.withLock { state in
                    state.asking[question] = nil
                    if case .success(let answer) = outcome { state.memory.keep(answer, for: question, at: .now) }
                }
                promise.succeed(outcome)
            }
            return promise.futureResult
        }
    }

    /// The last addresses that the name had, for when nobody says where it is now. A wrong one does no harm: whoever
    /// answers there still has to prove that it is the engine.
    func lastKnown(_ questions: [NameQuestion], instead failure: (any Error)?) -> [IPAddress] {
        let addresses = state.withLock { state in questions.flatMap { state.memory.last($0) } }
        if !addresses.isEmpty {
            let reason = (failure as? NameFailure)?.reason ?? failure.map { "\($0)" } ?? "it has no address"
            logger.debug(
                "name not resolved, using its last known addresses",
                metadata: [
                    "host": "\(questions.first?.name ?? "")", "error": "\(reason)",
                    "addresses": "\(addresses.map(\.description).joined(separator: " "))",
                ]
            )
        }
        return addresses
    }
}
