internal import NIOCore
internal import RstreamCore
internal import RstreamModel

/// The address that a proxy is asked for: a name that it resolves, unless resolving is configured here (CONFIG.md §7).
/// Of two families IPv4 is chosen, since a proxy without it is the rarer one.
struct ProxyTarget: Sendable {
    let transport: TransportOptions
    let names: NameService

    func address(
        for address: EngineAddress,
        under rule: RedirectRule? = nil,
        on eventLoop: any EventLoop,
        within timeout: Duration
    ) -> EventLoopFuture<EngineAddress> {
        let families = transport.ipFamily.map { [$0] } ?? Set(TransportOptions.IPFamily.allCases)
        if let literal = IPAddress(address.host) {
            guard families.contains(literal.family) else {
                return eventLoop.makeFailedFuture(WrongFamily(address: literal))
            }
            return eventLoop.makeCompletedFuture {
                _ = try rule?.permitted([literal], of: address.host)
                return address
            }
        }
        guard transport.dns != nil || transport.ipFamily != nil else {
            return eventLoop.makeCompletedFuture {
                try rule?.checkUnresolved(address.host)
                return address
            }
        }
        let resolver = ConnectionResolver(
            name: address.host,
            families: families,
            rule: rule,
            service: names,
            on: eventLoop
        )
        return resolver.address(within: timeout).flatMapThrowing {
            try EngineAddress("\($0.family == .ipv6 ? "[\($0)]" : "\($0)"):\(address.port)")
        }
    }
}
