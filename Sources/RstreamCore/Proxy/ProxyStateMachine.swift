/// Decides what is said to a proxy until it relays: one implementation for each protocol that proxies speak.
///
/// It is told what happened on the connection and answers what to do there. Time limits, TLS and who listens behind
/// the proxy are the shell's.
package protocol ProxyStateMachine: Sendable {
    /// The connection to the proxy is ready, TLS included.
    mutating func connected() -> ProxyAction
    /// The proxy sent bytes.
    mutating func received(_ bytes: [UInt8]) -> ProxyAction
}

/// What a handshake with a proxy asks of its connection.
package enum ProxyAction: Hashable, Sendable {
    case none
    case send([UInt8])
    /// The proxy relays from here on; `rest` are the first bytes from behind it.
    case open(rest: [UInt8])
    case fail(ProxyFailure)
}
