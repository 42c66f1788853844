// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// Decides which addresses are dialed for a stream that the engine asks for (PROTOCOL.md §6.1).
///
/// The engine chooses the address of a redirect, and its operator may choose what its own name resolves to. So every
/// address is judged after resolution, and only addresses that were judged are dialed. The engine's own address is the
/// one that the control channel is connected to.
package struct RedirectRule: Hashable, Sendable {
    private let policy: TransportOptions.Redirects
    private let engine: EngineAddress
    private let own: IPAddress?

    /// The rule for an engine that answers at `connected`; nil behind a proxy, which does not say
    /// where it connected.
    package init(
        _ policy: TransportOptions.Redirects,
        engine: EngineAddress,
        connectedTo connected: IPAddress?
    ) {
        self.policy = policy
        self.engine = engine
        own = (connected ?? IPAddress(engine.host))?.unmapped
    }

    /// Why an address is not dialed.
    package struct Refusal: Error, Hashable, Sendable {
        /// For the local log; the engine never learns it.
        package let what: String
        package let fix = "set transport.redirects, if this engine may send the agent there"
    }

    /// - Returns: The addresses of `host` that may be dialed, in the same order.
    /// - Throws: ``Refusal`` when there are addresses and none may be dialed.
    package func permitted(_ addresses: [IPAddress], of host: String) throws(Refusal) -> [IPAddress] {
        let permitted = addresses.filter { permits($0, of: host) }
        if permitted.isEmpty, let first = addresses.first { throw refusal(of: first) }
        return permitted
    }

    /// Judges a name that a proxy will resolve, so that this host never sees its addresses. The rules of the proxy
    /// apply to them, except to the proxy's own host.
    ///
    /// - Throws: ``Refusal`` when the name may not be dialed.
    package func checkUnresolved(_ host: String) throws(Refusal) {
        let isOwn = host.sameBytes(as: engine.host)
        switch policy {
        case .any: return
        case .engine where isOwn: return
        case .engine: throw Refusal(what: "\(host) is not the engine's own host")
        case .public where isOwn || own?.kind == .loopback: return
        case .public:
            if Hostname.isLoopback(host) { throw Refusal(what: "\(host) is a loopback name") }
        }
    }

    private func permits(_ address: IPAddress, of host: String) -> Bool {
        switch policy {
        case .any: true
        case .engine: address.unmapped == own || host.sameBytes(as: engine.host) && isHarmless(address)
        case .public: isHarmless(address)
        }
    }

    private func isHarmless(_ address: IPAddress) -> Bool {
        address.kind == .open || address.kind == own?.kind
    }

    private func refusal(of address: IPAddress) -> Refusal {
        if policy == .engine, isHarmless(address) { return Refusal(what: "\(address) is not the engine's own address") }
        return Refusal(what: "\(address) is a \(address.kind.text) address, and the engine's own is not")
    }
}
