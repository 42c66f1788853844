internal import Glibc
package import Linux
package import NIOCore
package import RstreamModel
internal import Synchronization

/// This host's own resolver: `/etc/hosts`, and `getaddrinfo` with everything that `nsswitch.conf` says for names that
/// the file does not have, on threads that may wait.
///
/// Both families are asked for in one call. Asked for alone, IPv6 addresses of a name that `/etc/hosts` knows with an
/// IPv4 address only would be looked for in DNS, and every connection would wait for that. Questions about a name
/// that is being looked up get the same answer. The look-ups under way, and which names took long, are guarded by a
/// mutex.
package final class SystemAddressSource: AddressSource {
    /// Answers from `/etc/hosts`; nil is for a name that it does not have.
    package typealias Hosts = @Sendable (_ name: String) -> [IPAddress]
    /// Asks the system's resolver, which may take long.
    package typealias Ask =
        @Sendable (_ name: String, TransportOptions.IPFamily?) throws(NameFailure) -> [IPAddress]

    private struct State {
        var asking: [String: EventLoopFuture<NameAnswer>] = [:]
        var slow: Set<String> = []
    }

    /// The only family that is asked for; nil for both.
    private let family: TransportOptions.IPFamily?
    private let hosts: Hosts
    private let ask: Ask
    private let lanes: Lanes
    private let long: Duration
    private let lifetime: Duration
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    /// Where names are looked up.
    package struct Lanes: Sendable {
        let usual: BlockingThreads
        let slow: BlockingThreads

        package init(usual: BlockingThreads = .names, slow: BlockingThreads = .slowNames) {
            self.usual = usual
            self.slow = slow
        }
    }

    /// A change of the file is seen after this time.
    private static let hostsLifetime = Duration.seconds(2)
    /// More names than a host asks for.
    private static let mostSlow = 1_024

    package convenience init(only family: TransportOptions.IPFamily? = nil) {
        self.init(only: family, hosts: { HostsFile.addresses(of: $0) }, ask: Self.addresses)
    }

    /// A name that takes longer than `long` shares a lane with other slow names the next time. The system does not say
    /// how long its answers hold. A name that moves is resolved again when no connection succeeds at the old address,
    /// so `lifetime` need not be short.
    package init(
        only family: TransportOptions.IPFamily? = nil,
        hosts: @escaping Hosts,
        lanes: Lanes = Lanes(),
        long: Duration = .seconds(1),
        lifetime: Duration = .seconds(10),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        ask: @escaping Ask
    ) {
        self.family = family
        self.hosts = hosts
        self.ask = ask
        self.lanes = lanes
        self.long = long
        self.lifetime = lifetime
        self.now = now
    }

    package func lookUp(_ question: NameQuestion, on eventLoop: any EventLoop) -> EventLoopFuture<NameAnswer> {
        let name = question.name
        let promise = eventLoop.makePromise(of: NameAnswer.self)
        let joined = state.withLock { state -> EventLoopFuture<NameAnswer>? in
            if let future = state.asking[name] { return future }
            state.asking[name] = promise.futureResult
            return nil
        }
        if let joined {
            promise.completeWith(joined)
        } else {
            answer(name, on: eventLoop).whenComplete { result in
                self.state.withLock { $0.asking[name] = nil }
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
            let lane = isSlow(name) ? lanes.slow : lanes.usual
            return lane.run(on: eventLoop) { [self] in
                let start = now()
                defer { took(start.duration(to: now()), name) }
                return NameAnswer(addresses: try ask(name, family), lifetime: lifetime)
            }
        }
    }

    /// Whether the name took long the last time.
    func isSlow(_ name: String) -> Bool { state.withLock { $0.slow.contains(name) } }

    private func took(_ duration: Duration, _ name: String) {
        state.withLock { state in
            guard duration > long else {
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
            throw NameFailure(name: name, reason: String(cString: gai_strerror(code)))
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

    /// More addresses of a name than these are not dialed anyway.
    private static let mostAddresses = 32

    /// There is no such name, or it has no such address; the latter two are GNU's.
    private static let noSuchName: Set<CInt> = [EAI_NONAME, -5, -9]
}
