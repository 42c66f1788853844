// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// `transport` as it is written (CONFIG.md §3): every key may be absent, and no text was judged yet.
///
/// Files, variables and options all become these fields, which are merged here and judged once, in
/// ``options(environment:mistakes:)``. A blank text counts as not set.
package struct TransportFields: Hashable, Sendable {
    package var mode: String?
    package var useQUIC: Bool?
    package var bind = Bind()
    package var ipFamily: String?
    package var multipath: Bool?
    package var dns = DNS()
    package var tls = TLS()
    package var proxy = Proxy()
    package var redirects: String?

    /// The `bind` key.
    package struct Bind: Hashable, Sendable {
        package var mode: String?
        package var interface: String?
        package var address: String?
    }

    /// The `dns` key.
    package struct DNS: Hashable, Sendable {
        package var override: String?
        package var tls: Bool?
        package var serverName: String?
        package var dnssec: Bool?
    }

    /// The `tls` key, and the one inside of `proxy`. Paths are as they shall be opened.
    package struct TLS: Hashable, Sendable {
        package var caFile: String?
        package var serverName: String?
        package var insecureSkipVerify: Bool?

        /// Nothing is said unless given.
        package init(caFile: String? = nil, serverName: String? = nil, insecureSkipVerify: Bool? = nil) {
            self.caFile = caFile
            self.serverName = serverName
            self.insecureSkipVerify = insecureSkipVerify
        }
    }

    /// The `proxy` key.
    package struct Proxy: Hashable, Sendable {
        package var http: String?
        package var socks5: String?
        package var username: String?
        package var password: Secret?
        package var headers: [String: String] = [:]
        package var fromEnvironment: Bool?
        package var tls = TLS()
    }

    /// Nothing is set.
    package init() {}

    /// These fields where they are set, and `inherited` where they are not (CONFIG.md §7).
    package func merged(over inherited: TransportFields) -> TransportFields {
        var merged = TransportFields()
        merged.mode = mode.filled
        merged.useQUIC = useQUIC
        // The two say the same thing, so one of them replaces both of a lower level.
        if merged.mode == nil, merged.useQUIC == nil {
            merged.mode = inherited.mode
            merged.useQUIC = inherited.useQUIC
        }
        merged.bind.mode = bind.mode.filled ?? inherited.bind.mode
        merged.bind.interface = bind.interface.filled ?? inherited.bind.interface
        merged.bind.address = bind.address.filled ?? inherited.bind.address
        merged.ipFamily = ipFamily.filled ?? inherited.ipFamily
        merged.multipath = multipath ?? inherited.multipath
        merged.dns.override = dns.override.filled ?? inherited.dns.override
        merged.dns.tls = dns.tls ?? inherited.dns.tls
        merged.dns.serverName = dns.serverName.filled ?? inherited.dns.serverName
        merged.dns.dnssec = dns.dnssec ?? inherited.dns.dnssec
        merged.tls = tls.merged(over: inherited.tls)
        merged.proxy = proxy.merged(over: inherited.proxy)
        merged.redirects = redirects.filled ?? inherited.redirects
        return merged
    }
}

extension TransportFields.TLS {
    /// Whether anything is said: filled text, or a boolean that is present (CONFIG.md §7).
    var isSet: Bool { caFile.filled != nil || serverName.filled != nil || insecureSkipVerify != nil }

    fileprivate func merged(over inherited: Self) -> Self {
        Self(
            caFile: caFile.filled ?? inherited.caFile,
            serverName: serverName.filled ?? inherited.serverName,
            insecureSkipVerify: insecureSkipVerify ?? inherited.insecureSkipVerify
        )
    }
}

extension TransportFields.Proxy {
    fileprivate func merged(over inherited: Self) -> Self {
        // The case of a header's name says nothing.
        let names = Set(headers.keys.map { ByteKey($0.asciiLowercased) })
        return Self(
            http: http.filled ?? inherited.http,
            socks5: socks5.filled ?? inherited.socks5,
            username: username.filled ?? inherited.username,
            password: password.flatMap { $0.isBlank ? nil : $0 } ?? inherited.password,
            headers: headers.merging(inherited.headers.filter { !names.contains(ByteKey($0.key.asciiLowercased)) }) {
                own,
                _ in own
            },
            fromEnvironment: fromEnvironment ?? inherited.fromEnvironment,
            tls: tls.merged(over: inherited.tls)
        )
    }
}
