// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Decides what is sent to a proxy until it relays; one implementation for each proxy protocol.
///
/// Its inputs are what happened on the connection, its actions what to do there. Timeouts, TLS and the target are left
/// to the shell.
package protocol ProxyStateMachine: Sendable {
    /// The connection to the proxy is ready, TLS included.
    mutating func connected() -> ProxyAction
    /// The proxy sent bytes.
    mutating func received(_ bytes: [UInt8]) -> ProxyAction
}

/// What a handshake with a proxy does with its connection.
package enum ProxyAction: Hashable, Sendable {
    case none
    case send([UInt8])
    /// The proxy relays from here on; `rest` are the first bytes of the target.
    case open(rest: [UInt8])
    case fail(ProxyFailure)
}
