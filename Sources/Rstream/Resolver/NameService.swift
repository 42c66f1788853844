package import Logging
package import NIOCore
package import NIOPosix
package import RstreamCore
package import RstreamModel
internal import Synchronization

/// Answers all questions about names, of engines, proxies, control planes, upstreams and places to listen at: asks its
/// source once for all callers at the same time, and remembers the answer. Callers that can use an older answer do not
/// wait for a slow source, as in RFC 8767; its answer is remembered when it
/// arrives.
///
/// The answers and the questions under way are guarded by a mutex.
package final class NameService: Sendable {
    /// This host's own resolver, shared by all clients.
    package static let host = NameService(
        SystemAddressSource(),
        logger: Logger(label: "rstream", factory: { _ in SwiftLogNoOpLogHandler() }),
        capacity: 1_024
    )

    /// What became of a question; failures are values here, because two families are weighed together.
    typealias Outcome = Result<NameAnswer, any Error>

    private struct State {
        var memory: NameMemory
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
    private let state: Mutex<State>

    /// `patience` is how long a question may be open for those who know an older answer; `capacity` is how many
    /// answers are remembered.
    package init(
        _ source: any AddressSource,
        logger: Logger,
        patience: Duration = .milliseconds(1_800),
        capacity: Int = 64
    ) {
        state = Mutex(State(memory: NameMemory(capacity: capacity)))
        self.source = source
        self.logger = logger
        self.patience = patience
    }

    /// Dials a host, which is a name or a literal, at a port, and at the addresses that `rule` permits. What
    /// `bootstrap` does with a socket it does with each of those that race.
    package func connect(
        _ bootstrap: ClientBootstrap,
        to host: String,
        port: Int,
        families: Set<TransportOptions.IPFamily> = Set(TransportOptions.IPFamily.allCases),
        under rule: RedirectRule? = nil,
        within timeout: Duration,
        on eventLoop: any EventLoop
    ) -> EventLoopFuture<any Channel> {
        let bootstrap = bootstrap.connectTimeout(TimeAmount(timeout))
        if let literal = IPAddress(host) {
            // Needs no resolver and none of its threads.
            do {
                guard families.contains(literal.family) else { throw WrongFamily(address: literal) }
                _ = try rule?.permitted([literal], of: host)
                return bootstrap.connect(to: try SocketAddress(ipAddress: host, port: port))
            } catch {
                return eventLoop.makeFailedFuture(error)
            }
        }
        if rule == nil, let zoned = ZonedAddress(host) {
            do {
                guard families.contains(.ipv6) else { throw WrongFamily(address: zoned.address) }
                return bootstrap.connect(to: try zoned.socketAddress(port: port))
            } catch {
                return eventLoop.makeFailedFuture(error)
            }
        }
        let name = host.asciiLowercased
        let resolver = ConnectionResolver(name: name, families: families, rule: rule, service: self, on: eventLoop)
        return bootstrap.resolver(resolver).connect(host: name, port: port).flatMapErrorThrowing { error in
            self.doubt(name)
            if case ChannelError.connectTimeout = error, !resolver.isAnswered {
                throw NameFailure(name: name, reason: "no answer within \(timeout.secondsText)")
            }
            throw error
        }
    }

    /// The addresses of a host, which is a name or a literal, to listen at.
    package func addresses(
        of host: String,
        within timeout: Duration,
        on eventLoop: any EventLoop
    ) -> EventLoopFuture<[IPAddress]> {
        let name = host.asciiLowercased
        if let known = IPAddress.known(of: name) { return eventLoop.makeSucceededFuture(known) }
        let families = Set(TransportOptions.IPFamily.allCases)
        let resolver = ConnectionResolver(name: name, families: families, service: self, on: eventLoop)
        return resolver.addresses(within: timeout).flatMapErrorThrowing { error in
            guard case ChannelError.connectTimeout = error else { throw error }
            throw NameFailure(name: name, reason: "no answer within \(timeout.secondsText)")
        }
    }

    /// Whether the addresses of a name are known without asking.
    package func isFresh(_ host: String) -> Bool {
        let name = host.asciiLowercased
        return state.withLock { state in
            TransportOptions.IPFamily.allCases.contains { family in
                state.memory.fresh(NameQuestion(name: name, family: family), at: .now) != nil
            }
        }
    }

    private func doubt(_ name: String) {
        state.withLock { state in
            for family in TransportOptions.IPFamily.allCases {
                state.memory.doubt(NameQuestion(name: name, family: family), at: .now)
            }
        }
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
            let failed = failure.map { ConnectionPeer.nameServer.explain($0).what }
            let reason = (failure as? NameFailure)?.reason ?? failed ?? "it has no address"
            logger.debug(
                "name lookup failed, using last known addresses",
                metadata: [
                    "host": "\(questions.first?.name ?? "")", "error": "\(reason)",
                    "addresses": "\(addresses.map(\.description).joined(separator: " "))",
                ]
            )
        }
        return addresses
    }
}
