// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOPosix
internal import RstreamCore
internal import RstreamModel

/// Resolves the name of one connection, both families at the same time, for NIO's Happy Eyeballs (RFC 8305).
/// ``NameService`` makes one per connection, and ``ProxyTarget`` for a name that a proxy must not resolve.
///
/// A family without addresses waits for the other one. The last known addresses are used only if neither family has
/// any, or neither is answered in time. A ``RedirectRule`` filters the addresses that are returned, wherever they come
/// from.
///
/// Immutable, except that the event loop guards `answered`.
struct ConnectionResolver: Resolver, Sendable {
    private typealias Outcomes = [TransportOptions.IPFamily: NameService.Outcome]

    private let name: String
    private let rule: RedirectRule?
    private let outcomes: [TransportOptions.IPFamily: EventLoopFuture<NameService.Outcome>]
    private let combined: EventLoopFuture<Outcomes>
    private let eventLoop: any EventLoop
    private let answered: NIOLoopBoundBox<Bool>

    /// Whether all questions were answered, with addresses or an error. Only for use on the event loop.
    var isAnswered: Bool { answered.value }

    /// Starts resolving.
    init(
        name: String,
        families: Set<TransportOptions.IPFamily>,
        rule: RedirectRule? = nil,
        service: NameService,
        on eventLoop: any EventLoop
    ) {
        self.name = name
        self.rule = rule
        self.eventLoop = eventLoop
        let answered = NIOLoopBoundBox.makeBoxSendingValue(false, eventLoop: eventLoop)
        self.answered = answered
        let questions = families.map { NameQuestion(name: name, family: $0) }
        let asked = zip(questions, service.outcomes(questions, on: eventLoop)).map { question, outcome in
            outcome.map { (question.family, $0) }
        }
        outcomes = Dictionary(
            uniqueKeysWithValues: zip(questions, asked).map { ($0.family, $1.map { $0.1 }) }
        )
        combined = EventLoopFuture.whenAllSucceed(asked, on: eventLoop).map { found in
            let found = Outcomes(uniqueKeysWithValues: found)
            guard found.values.allSatisfy(\.addresses.isEmpty) else { return found }
            let stale = service.lastKnown(questions, after: found.values.lazy.compactMap(\.failure).first)
            guard !stale.isEmpty else { return found }
            return Outcomes(
                uniqueKeysWithValues: families.map { family in
                    (family, .success(NameAnswer(addresses: stale.filter { $0.family == family })))
                }
            )
        }
        combined.whenComplete { _ in answered.value = true }
    }

    func initiateAAAAQuery(host _: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        addresses(.ipv6, port)
    }

    func initiateAQuery(host _: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        addresses(.ipv4, port)
    }

    /// Does nothing: each question has a timeout, and other connections may wait for the same answer.
    func cancelQueries() {}

    /// One address, for a SOCKS or HTTP proxy, which cannot race several. IPv4 is preferred, as more proxies have it.
    func address(within timeout: Duration) -> EventLoopFuture<IPAddress> {
        addresses(within: timeout).flatMapThrowing { addresses in
            let first = addresses.first { $0.family == .ipv4 } ?? addresses.first
            guard let first else { throw NameFailure(name: name, reason: "it has no address") }
            return first
        }
    }

    /// All addresses, IPv6 first. Fails if there are none.
    func addresses(within timeout: Duration) -> EventLoopFuture<[IPAddress]> {
        let promise = eventLoop.makePromise(of: [IPAddress].self)
        let timer = eventLoop.scheduleTask(in: TimeAmount(timeout)) {
            promise.fail(ChannelError.connectTimeout(TimeAmount(timeout)))
        }
        combined.flatMapThrowing { outcomes in
            let found = [.ipv6, .ipv4].compactMap { outcomes[$0] }
            let addresses = try permitted(found.flatMap(\.addresses))
            if !addresses.isEmpty { return addresses }
            throw found.lazy.compactMap(\.failure).first ?? NameFailure(name: name, reason: "it has no address")
        }.whenComplete { result in
            timer.cancel()
            promise.completeWith(result)
        }
        return promise.futureResult
    }

    private func permitted(_ addresses: [IPAddress]) throws(RedirectRule.Refusal) -> [IPAddress] {
        guard let rule else { return addresses }
        return try rule.permitted(addresses, of: name)
    }

    private func addresses(_ family: TransportOptions.IPFamily, _ port: Int) -> EventLoopFuture<[SocketAddress]> {
        guard let outcome = outcomes[family] else { return eventLoop.makeSucceededFuture([]) }
        return outcome.flatMap { first in
            first.addresses.isEmpty ? combined.map { $0[family] ?? first } : eventLoop.makeSucceededFuture(first)
        }.flatMapThrowing { outcome in
            try permitted(outcome.get().addresses).map { try SocketAddress(ipAddress: $0.description, port: port) }
        }
    }
}

extension NameService.Outcome {
    fileprivate var addresses: [IPAddress] {
        switch self {
        case .success(let answer): answer.addresses
        case .failure: []
        }
    }

    fileprivate var failure: (any Error)? {
        switch self {
        case .success: nil
        case .failure(let error): error
        }
    }
}
