internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import RstreamModel

/// This host's own resolver: `getaddrinfo`, with everything that `nsswitch.conf` says, on a thread that may wait.
struct SystemAddressSource: AddressSource {
    func lookUp(_ question: NameQuestion, on eventLoop: any EventLoop) -> EventLoopFuture<NameAnswer> {
        NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) {
            NameAnswer(addresses: try Self.addresses(question))
        }
    }

    private static func addresses(_ question: NameQuestion) throws(NameFailure) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_family = question.family == .ipv6 ? AF_INET6 : AF_INET
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(question.name, nil, &hints, &first)
        guard code == 0 else {
            if noSuchName.contains(code) { return [] }
            throw NameFailure(name: question.name, reason: String(cString: gai_strerror(code)))
        }
        defer { freeaddrinfo(first) }
        var addresses: [IPAddress] = []
        var next = first
        while let entry = next?.pointee {
            next = entry.ai_next
            guard let address = entry.ai_addr.flatMap({ IPAddress($0, length: entry.ai_addrlen) }) else { continue }
            addresses.append(address)
        }
        return addresses
    }

    /// There is no such name, or it has no such address; the latter two are GNU's.
    private static let noSuchName: Set<CInt> = [EAI_NONAME, -5, -9]
}
