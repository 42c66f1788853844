internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import RstreamModel
internal import Synchronization

/// This host's own resolver: `getaddrinfo`, with everything that `nsswitch.conf` says, on a thread that may wait.
///
/// Both families are asked for in one call. Asked for alone, IPv6 addresses of a name that `/etc/hosts` knows with an
/// IPv4 address only would be looked for in DNS, and every connection would wait for that. Whoever asks about a name
/// while it is being looked up gets the same answer. The look-ups under way are guarded by a mutex.
final class SystemAddressSource: AddressSource {
    private let asking = Mutex<[String: EventLoopFuture<[IPAddress]>]>([:])
    /// The only family that anybody will ask for; nil for both.
    private let family: TransportOptions.IPFamily?

    init(only family: TransportOptions.IPFamily? = nil) {
        self.family = family
    }

    func lookUp(_ question: NameQuestion, on eventLoop: any EventLoop) -> EventLoopFuture<NameAnswer> {
        let (name, family) = (question.name, family)
        let promise = eventLoop.makePromise(of: [IPAddress].self)
        let joined = asking.withLock { asking -> EventLoopFuture<[IPAddress]>? in
            if let future = asking[name] { return future }
            asking[name] = promise.futureResult
            return nil
        }
        if let joined {
            promise.completeWith(joined)
        } else {
            NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) {
                try Self.addresses(name, family)
            }.whenComplete { result in
                self.asking.withLock { $0[name] = nil }
                promise.completeWith(result)
            }
        }
        return promise.futureResult.map { addresses in
            NameAnswer(addresses: addresses.filter { $0.family == question.family })
        }
    }

    private static func addresses(
        _ name: String,
        _ family: TransportOptions.IPFamily?
    ) throws(NameFailure) -> [IPAddress] {
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
