// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// How one address is dialed: directly, or through a proxy (CONFIG.md §7).
package enum EngineRoute: Hashable, Sendable {
    case direct
    case proxy(ProxyHop)

    /// Chooses the route to `address`. A proxy of the environment is chosen for each address, redirects included; a
    /// configured one is always used.
    package init(to address: EngineAddress, by proxy: Proxy?) throws(RstreamError) {
        guard let proxy else {
            self = .direct
            return
        }
        switch proxy.route {
        case .http(let at): self = .proxy(try ProxyHop(.http, at: at, proxy, proxy.credentials))
        case .https(let at): self = .proxy(try ProxyHop(.https, at: at, proxy, proxy.credentials))
        case .socks5(let at): self = .proxy(try ProxyHop(.socks5, at: at, proxy, proxy.credentials))
        case .environment(let environment):
            guard let url = environment.proxy, !environment.exceptions.contains(where: { $0.covers(address) }) else {
                self = .direct
                return
            }
            let language: ProxyHop.Language =
                switch url.scheme {
                case .http: .http
                case .https: .https
                case .socks5, .socks5h: .socks5
                }
            self = .proxy(try ProxyHop(language, at: url.address, proxy, proxy.credentials ?? url.credentials))
        }
    }
}

/// A proxy that a connection goes through, with its credentials and headers.
package struct ProxyHop: Hashable, Sendable, CustomStringConvertible {
    /// The protocol of the proxy.
    package enum Language: Hashable, Sendable {
        case http
        /// As ``http``, inside of TLS.
        case https
        case socks5
    }

    package let language: Language
    package let address: EngineAddress
    /// How an `https` proxy is verified.
    package let tls: TransportOptions.TLS
    private let credentials: Proxy.Credentials?
    private let headers: [String: String]

    fileprivate init(
        _ language: Language,
        at address: EngineAddress,
        _ proxy: Proxy,
        _ credentials: Proxy.Credentials?
    ) throws(RstreamError) {
        self.language = language
        self.address = address
        self.credentials = credentials
        tls = proxy.tls
        headers = language == .socks5 ? [:] : proxy.headers
        try check()
    }

    /// The machine for the handshake with the proxy, towards `target`.
    package func machine(to target: EngineAddress) -> any ProxyStateMachine {
        switch language {
        case .http, .https: HTTPConnectStateMachine(target: target, headers: headers, credentials: credentials)
        case .socks5: SOCKS5StateMachine(target: target, credentials: credentials)
        }
    }

    /// The proxy's kind and address, without its credentials.
    package var description: String {
        switch language {
        case .http, .https: "HTTP proxy \(address)"
        case .socks5: "SOCKS5 proxy \(address)"
        }
    }

    private func check() throws(RstreamError) {
        let problems = Proxy.problems(inHeaders: headers, besideCredentials: credentials != nil)
        if let problem = problems.first
            ?? credentials.flatMap({ Proxy.problem(in: $0, forSOCKS5: language == .socks5) })
        {
            throw Self.invalid("\(self): \(problem)")
        }
    }

    private static func invalid(_ what: String) -> RstreamError {
        RstreamError(
            code: .invalidConfig,
            origin: .configuration,
            retry: .afterReload,
            what: what,
            fix: "check transport.proxy"
        )
    }
}
