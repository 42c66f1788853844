internal import NIOCore
internal import RstreamModel

/// Knows the addresses of names: this host's resolver, or one of the user's own.
protocol AddressSource: Sendable {
    /// Looks up one family of addresses. A name that exists and has none of it is no failure; other failures are
    /// ``NameFailure``. The future is one of `eventLoop`, and it always ends.
    func lookUp(_ question: NameQuestion, on eventLoop: any EventLoop) -> EventLoopFuture<NameAnswer>
}

/// Which addresses are wanted.
struct NameQuestion: Hashable, Sendable {
    /// A DNS name in lower case.
    let name: String
    let family: TransportOptions.IPFamily
}

/// The addresses of a name, of one family.
struct NameAnswer: Hashable, Sendable {
    /// In the order in which they should be tried.
    var addresses: [IPAddress]
    /// How long they may be used without asking again.
    var lifetime: Duration = .zero
}

/// Why nobody knows the addresses of a name.
struct NameFailure: Error, Hashable, Sendable {
    let name: String
    /// To stand after "the name cannot be resolved".
    let reason: String
}
