// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import RstreamCore
internal import RstreamModel

/// Chooses the destination that a proxy is asked to connect to: the name, for the proxy to resolve, unless
/// `transport.dns` or `transport.ipFamily` is set; then an address, preferably IPv4, which more proxies support
/// (CONFIG.md §7).
///
/// Used by ``EngineConnector`` and ``ControlPlane``. Immutable.
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
                return eventLoop.makeFailedFuture(AddressFamilyMismatch(address: literal))
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
