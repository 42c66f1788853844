// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
package import Logging
package import NIOCore
package import NIOPosix
package import RstreamCore
package import RstreamModel
internal import Synchronization

/// A caching resolver in front of a ``NameResolver``. All names go through one: of engines, proxies, control planes,
/// upstreams and listen addresses.
///
/// Concurrent questions about a name share one lookup. If the resolver is slow, a caller with a last known answer uses
/// that instead (RFC 8767), and the late answer still enters the cache.
///
/// The cache and the pending lookups are guarded by a mutex.
package final class NameService: Sendable {
    /// The process's shared cache of this host's own resolver.
    package static let host = NameService(
        SystemResolver(),
        logger: Logger(label: "rstream", factory: { _ in SwiftLogNoOpLogHandler() }),
        capacity: 1_024
    )

    /// The result of a question. Failures are values, because the results of two families are combined.
    typealias Outcome = Result<NameAnswer, any Error>

    private struct State {
        var cache: NameCache
        var pending: [NameQuestion: PendingQuery] = [:]
    }

    private struct PendingQuery {
        let answer: EventLoopFuture<Outcome>
        let since: ContinuousClock.Instant
    }

    private enum Lookup {
        case cached([IPAddress])
        case pending(EventLoopFuture<Outcome>)
        case started(EventLoopPromise<Outcome>)
    }

    private let resolver: any NameResolver
    private let logger: Logger
    private let responseTimeout: Duration
    private let state: Lock<State>

    /// `responseTimeout` is how long a caller with a last known answer waits for a new one (RFC 8767 §5, client
    /// response timer); `capacity` is the number of cached answers.
    package init(
        _ resolver: any NameResolver,
        logger: Logger,
        responseTimeout: Duration = .milliseconds(1_800),
        capacity: Int = 64
    ) {
        state = Lock(State(cache: NameCache(capacity: capacity)))
        self.resolver = resolver
        self.logger = logger
        self.responseTimeout = responseTimeout
    }

    /// Connects to a host, a name or an IP literal, at the addresses that `rule` permits. `bootstrap` initializes the
    /// socket of every racing connection attempt.
    package func connect(
        _ bootstrap: ClientBootstrap,
        to host: String,
        port: Int,
        families: Set<TransportOptions.IPFamily> = TransportOptions.IPFamily.both,
        under rule: RedirectRule? = nil,
        within timeout: Duration,
        on eventLoop: any EventLoop
    ) -> EventLoopFuture<any Channel> {
        let bootstrap = bootstrap.connectTimeout(TimeAmount(timeout))
        if let literal = IPAddress(host) {
            do {
                guard families.contains(literal.family) else { throw AddressFamilyMismatch(address: literal) }
                _ = try rule?.permitted([literal], of: host)
                return bootstrap.connect(to: try SocketAddress(ipAddress: host, port: port))
            } catch {
                return eventLoop.makeFailedFuture(error)
            }
        }
        if rule == nil, let zoned = ZonedAddress(host) {
            do {
                guard families.contains(.ipv6) else { throw AddressFamilyMismatch(address: zoned.address) }
                return bootstrap.connect(to: try zoned.socketAddress(port: port))
            } catch {
                return eventLoop.makeFailedFuture(error)
            }
        }
        let name = host.asciiLowercased
        if let address = onlyAddress(of: name, families, under: rule),
            let address = try? SocketAddress(ipAddress: address.description, port: port)
        {
            return bootstrap.connect(to: address).flatMapErrorThrowing { error in
                self.expire(name)
                throw error
            }
        }
        let resolver = ConnectionResolver(name: name, families: families, rule: rule, service: self, on: eventLoop)
        return bootstrap.resolver(resolver).connect(host: name, port: port).flatMapErrorThrowing { error in
            self.expire(name)
            if case ChannelError.connectTimeout = error, !resolver.isAnswered {
                throw NameFailure(name: name, reason: "no answer within \(timeout.secondsText)")
            }
            throw error
        }
    }

    /// The addresses of a host, a name or an IP literal, to listen at. Fails with ``NameFailure``.
    package func addresses(
        of host: String,
        within timeout: Duration,
        on eventLoop: any EventLoop
    ) -> EventLoopFuture<[IPAddress]> {
        let name = host.asciiLowercased
        if let known = IPAddress.known(of: name) { return eventLoop.makeSucceededFuture(known) }
        let families = TransportOptions.IPFamily.both
        let resolver = ConnectionResolver(name: name, families: families, service: self, on: eventLoop)
        return resolver.addresses(within: timeout).flatMapErrorThrowing { error in
            guard case ChannelError.connectTimeout = error else { throw error }
            throw NameFailure(name: name, reason: "no answer within \(timeout.secondsText)")
        }
    }

    /// Whether the cache has an unexpired answer for a name.
    package func isFresh(_ host: String) -> Bool {
        let name = host.asciiLowercased
        return state.withLock { state in
            TransportOptions.IPFamily.allCases.contains { family in
                state.cache.fresh(NameQuestion(name: name, family: family), at: .now) != nil
            }
        }
    }

    /// The address of a name that is known to have no other: there is nothing to resolve, and no race to be made ready,
    /// which costs as much as the connection itself. Nil too where `rule` permits none, whose error the race has.
    private func onlyAddress(
        of name: String,
        _ families: Set<TransportOptions.IPFamily>,
        under rule: RedirectRule?
    ) -> IPAddress? {
        let known = state.withLock { state -> [IPAddress]? in
            let now = ContinuousClock.now
            var known: [IPAddress] = []
            for family in families {
                guard let fresh = state.cache.fresh(NameQuestion(name: name, family: family), at: now) else {
                    return nil
                }
                known += fresh
            }
            return known
        }
        guard let known, let permitted = try? rule?.permitted(known, of: name) ?? known else { return nil }
        return permitted.count == 1 ? permitted.first : nil
    }

    private func expire(_ name: String) {
        state.withLock { state in
            for family in TransportOptions.IPFamily.allCases {
                state.cache.expire(NameQuestion(name: name, family: family), at: .now)
            }
        }
    }

    /// The outcomes of the questions of one connection. The futures never fail.
    func outcomes(
        _ questions: [NameQuestion],
        on eventLoop: any EventLoop
    ) -> [EventLoopFuture<Outcome>] {
        let isKnown = state.withLock { state in questions.contains { !state.cache.lastKnown($0).isEmpty } }
        return questions.map { question in
            let answer = outcome(question, on: eventLoop)
            return isKnown ? bounded(answer, question, on: eventLoop) : answer
        }
    }

    /// `answer`, or a failure once the question has been pending for `responseTimeout`.
    private func bounded(
        _ answer: EventLoopFuture<Outcome>,
        _ question: NameQuestion,
        on eventLoop: any EventLoop
    ) -> EventLoopFuture<Outcome> {
        guard let since = state.withLock({ $0.pending[question]?.since }) else { return answer }
        let promise = eventLoop.makePromise(of: Outcome.self)
        let left = max(.zero, responseTimeout - since.duration(to: .now))
        let timer = eventLoop.scheduleTask(in: TimeAmount(left)) { [responseTimeout] in
            let reason = "no answer within \(responseTimeout.secondsText)"
            promise.succeed(.failure(NameFailure(name: question.name, reason: reason)))
        }
        answer.whenSuccess { outcome in
            timer.cancel()
            promise.succeed(outcome)
        }
        return promise.futureResult
    }

    /// Answers from the cache if it can, else from the resolver. The future never fails.
    func outcome(_ question: NameQuestion, on eventLoop: any EventLoop) -> EventLoopFuture<Outcome> {
        let lookup = state.withLock { state -> Lookup in
            if let addresses = state.cache.fresh(question, at: .now) { return .cached(addresses) }
            if let pending = state.pending[question] { return .pending(pending.answer) }
            let promise = eventLoop.makePromise(of: Outcome.self)
            state.pending[question] = PendingQuery(answer: promise.futureResult, since: .now)
            return .started(promise)
        }
        switch lookup {
        case .cached(let addresses):
            return eventLoop.makeSucceededFuture(.success(NameAnswer(addresses: addresses)))
        case .pending(let future):
            return future.hop(to: eventLoop)
        case .started(let promise):
            resolver.lookUp(question, on: eventLoop).whenComplete { outcome in
                self.state.withLock { state in
                    state.pending[question] = nil
                    if case .success(let answer) = outcome { state.cache.store(answer, for: question, at: .now) }
                }
                promise.succeed(outcome)
            }
            return promise.futureResult
        }
    }

    /// The last known addresses of a name whose lookup failed. An outdated one does no harm: a server there still has
    /// to prove with its certificate that it is the engine.
    func lastKnown(_ questions: [NameQuestion], after failure: (any Error)?) -> [IPAddress] {
        let addresses = state.withLock { state in questions.flatMap { state.cache.lastKnown($0) } }
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
