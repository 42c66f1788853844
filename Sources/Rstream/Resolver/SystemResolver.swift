// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
package import Linux
package import NIOCore
package import RstreamModel
internal import Synchronization

/// This host's own resolver: `/etc/hosts`, then `getaddrinfo` with all that `nsswitch.conf` configures, on threads that
/// may block.
///
/// Both families are looked up in one call: a name that `/etc/hosts` has with an IPv4 address only would otherwise
/// cause a DNS query for IPv6 addresses at every connection. Concurrent lookups of a name share one call.
///
/// A name server that does not answer would block all threads. So names that were slow the last time have their own
/// threads.
///
/// The pending lookups and the slow names are guarded by a mutex.
package final class SystemResolver: NameResolver {
    /// Looks up a name in `/etc/hosts`; empty if the file does not have it. May block.
    package typealias Hosts = @Sendable (_ name: String) -> [IPAddress]
    /// Looks up a name with the system's resolver; nil for both families. May block.
    package typealias Ask =
        @Sendable (_ name: String, TransportOptions.IPFamily?) throws(NameFailure) -> [IPAddress]

    private struct State {
        var pending: [String: EventLoopFuture<NameAnswer>] = [:]
        var slow: Set<String> = []
    }

    /// The only family to look up; nil for both.
    private let family: TransportOptions.IPFamily?
    private let hosts: Hosts
    private let ask: Ask
    private let threads: Threads
    private let slowThreshold: Duration
    private let lifetime: Duration
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Lock(State())

    /// The threads that block in lookups.
    package struct Threads: Sendable {
        let usual: BlockingThreads
        let slow: BlockingThreads

        package init(usual: BlockingThreads = .names, slow: BlockingThreads = .slowNames) {
            self.usual = usual
            self.slow = slow
        }
    }

    /// Bounds how long a change of `/etc/hosts` goes unnoticed.
    private static let hostsLifetime = Duration.seconds(2)
    /// A bound of the slow names that are remembered.
    private static let mostSlow = 1_024

    package convenience init(only family: TransportOptions.IPFamily? = nil) {
        self.init(only: family, hosts: { HostsFile.addresses(of: $0) }, ask: Self.addresses)
    }

    /// A name whose lookup takes longer than `slowThreshold` uses the threads for slow names the next time. `lifetime`
    /// is the TTL of answers, as the system does not report one; it need not be short, because a failed connection
    /// expires an answer.
    package init(
        only family: TransportOptions.IPFamily? = nil,
        hosts: @escaping Hosts,
        threads: Threads = Threads(),
        slowThreshold: Duration = .seconds(1),
        lifetime: Duration = .seconds(10),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        ask: @escaping Ask
    ) {
        self.family = family
        self.hosts = hosts
        self.ask = ask
        self.threads = threads
        self.slowThreshold = slowThreshold
        self.lifetime = lifetime
        self.now = now
    }

    package func lookUp(_ question: NameQuestion, on eventLoop: any EventLoop) -> EventLoopFuture<NameAnswer> {
        let name = question.name
        let promise = eventLoop.makePromise(of: NameAnswer.self)
        let joined = state.withLock { state -> EventLoopFuture<NameAnswer>? in
            if let future = state.pending[name] { return future }
            state.pending[name] = promise.futureResult
            return nil
        }
        if let joined {
            promise.completeWith(joined)
        } else {
            answer(name, on: eventLoop).whenComplete { result in
                self.state.withLock { $0.pending[name] = nil }
                promise.completeWith(result)
            }
        }
        return promise.futureResult.map { answer in
            NameAnswer(
                addresses: answer.addresses.filter { $0.family == question.family },
                lifetime: answer.lifetime
            )
        }
    }

    private func answer(_ name: String, on eventLoop: any EventLoop) -> EventLoopFuture<NameAnswer> {
        BlockingThreads.hosts.run(on: eventLoop) { [hosts] in hosts(name) }.flatMap { [self] listed in
            let known = listed.isEmpty && Hostname.isLoopback(name) ? IPAddress.loopbacks : listed
            guard known.isEmpty else {
                return eventLoop.makeSucceededFuture(NameAnswer(addresses: known, lifetime: Self.hostsLifetime))
            }
            let pool = isSlow(name) ? threads.slow : threads.usual
            return pool.run(on: eventLoop) { [self] in
                let start = now()
                defer { record(start.duration(to: now()), name) }
                return NameAnswer(addresses: try ask(name, family), lifetime: lifetime)
            }
        }
    }

    /// Whether the last lookup of the name was slow.
    func isSlow(_ name: String) -> Bool { state.withLock { $0.slow.contains(name) } }

    private func record(_ duration: Duration, _ name: String) {
        state.withLock { state in
            guard duration > slowThreshold else {
                state.slow.remove(name)
                return
            }
            if state.slow.count >= Self.mostSlow { state.slow.removeFirst() }
            state.slow.insert(name)
        }
    }

    @Sendable
    private static func addresses(
        _ name: String,
        _ family: TransportOptions.IPFamily?
    ) throws(NameFailure) -> [IPAddress] {
        MayBlock.now("getaddrinfo")
        var hints = addrinfo()
        hints.ai_family =
            switch family {
            case .ipv4: AF_INET
            case .ipv6: AF_INET6
            case nil: AF_UNSPEC
            }
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(name, nil, &hints, &first)
        guard code == 0 else {
            if noSuchName.contains(code) { return [] }
            throw NameFailure(name: name, reason: reason(code))
        }
        defer { freeaddrinfo(first) }
        var addresses: [IPAddress] = []
        var next = first
        while let entry = next?.pointee, addresses.count < mostAddresses {
            next = entry.ai_next
            guard let address = entry.ai_addr.flatMap({ IPAddress($0, length: entry.ai_addrlen) }) else { continue }
            addresses.append(address)
        }
        return addresses
    }

    /// Why `getaddrinfo` failed, in words that also say who could not answer.
    private static func reason(_ code: CInt) -> String {
        switch code {
        case EAI_AGAIN: "no name server has an answer for now"
        case EAI_FAIL: "the name server cannot answer"
        case EAI_SYSTEM: SystemError.reason(errno)
        default: "this host's resolver failed with error \(code)"
        }
    }

    /// More addresses would not be dialed.
    private static let mostAddresses = 32

    /// The name does not exist, or has no address of the family: EAI_NONAME, and glibc's EAI_NODATA and EAI_ADDRFAMILY.
    private static let noSuchName: Set<CInt> = [EAI_NONAME, -5, -9]
}
