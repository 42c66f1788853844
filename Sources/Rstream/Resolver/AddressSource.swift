package import NIOCore
package import RstreamModel

/// Resolves names: this host's resolver, or a configured one.
package protocol AddressSource: Sendable {
    /// Looks up one family of addresses. A name that exists and has none of it is no failure; other failures are
    /// ``NameFailure``. The future is one of `eventLoop`, and it always ends.
    func lookUp(_ question: NameQuestion, on eventLoop: any EventLoop) -> EventLoopFuture<NameAnswer>
}

/// Which addresses are wanted.
package struct NameQuestion: Hashable, Sendable {
    /// A DNS name in lower case.
    package let name: String
    package let family: TransportOptions.IPFamily

    package init(name: String, family: TransportOptions.IPFamily) {
        self.name = name
        self.family = family
    }
}

/// The addresses of a name, of one family.
package struct NameAnswer: Hashable, Sendable {
    /// In the order in which they should be tried.
    package var addresses: [IPAddress]
    /// How long they may be used without asking again.
    package var lifetime: Duration

    package init(addresses: [IPAddress], lifetime: Duration = .zero) {
        self.addresses = addresses
        self.lifetime = lifetime
    }
}

/// Why a name could not be resolved.
package struct NameFailure: Error, Hashable, Sendable {
    package let name: String
    /// To stand after "the name cannot be resolved".
    package let reason: String

    package init(name: String, reason: String) {
        self.name = name
        self.reason = reason
    }
}
