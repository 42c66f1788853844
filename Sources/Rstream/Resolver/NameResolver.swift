// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore
package import RstreamModel

/// Resolves names: ``SystemResolver`` asks this host's resolver, ``DNSResolver`` a configured name server.
///
/// ``NameService`` caches the answers of a resolver.
package protocol NameResolver: Sendable {
    /// Looks up the addresses of one family. A name without such addresses, or that does not exist, is answered with
    /// none. The future fails with ``NameFailure`` if the lookup fails, always completes, and belongs to `eventLoop`.
    func lookUp(_ question: NameQuestion, on eventLoop: any EventLoop) -> EventLoopFuture<NameAnswer>
}

/// A question of the resolver: a name and an address family.
package struct NameQuestion: Hashable, Sendable {
    /// A DNS name in lower case.
    package let name: String
    package let family: TransportOptions.IPFamily

    package init(name: String, family: TransportOptions.IPFamily) {
        self.name = name
        self.family = family
    }
}

/// The addresses of a name, of one family, with their TTL.
package struct NameAnswer: Hashable, Sendable {
    /// In the order in which to try them.
    package var addresses: [IPAddress]
    /// How long the answer may be cached.
    package var lifetime: Duration

    package init(addresses: [IPAddress], lifetime: Duration = .zero) {
        self.addresses = addresses
        self.lifetime = lifetime
    }
}

/// Why a name cannot be resolved.
package struct NameFailure: Error, Hashable, Sendable {
    package let name: String
    /// Follows "the name cannot be resolved: " in an error.
    package let reason: String

    package init(name: String, reason: String) {
        self.name = name
        self.reason = reason
    }
}
