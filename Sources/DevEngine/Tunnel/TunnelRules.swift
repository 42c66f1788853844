// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel

/// Validates the properties that an agent requests (PROTOCOL.md §5.2), independently of other tunnels.
///
/// What no engine allows is refused with 2000, and what this engine does not support with 5000.
enum TunnelRules {
    /// The effective properties, without id, creation date and assigned hostname.
    static func validate(_ asked: TunnelProperties, host: String) throws(EngineError) -> TunnelProperties {
        var granted = asked
        granted.publish = asked.publish ?? true
        try checkWords(asked)
        granted.type = try effectiveType(asked)
        if asked.protocol == "tcp" { try checkTCP(asked) }
        if asked.port != nil, asked.protocol != "tcp" { throw invalid("Port requires protocol tcp.") }
        try checkTLS(asked)
        try checkHTTP(asked)
        granted.upstreamTLS = asked.upstreamTLS ?? asked.httpUseTLS
        granted.hostname = try hostname(asked.hostname, host: host)
        try checkAbilities(granted)
        return granted
    }

    private static func invalid(_ message: String) -> EngineError {
        EngineError(code: .invalidRequest, message: message)
    }

    private static func unavailable(_ feature: String) -> EngineError {
        EngineError(code: .featureNotAvailable, message: "The development engine has no \(feature).")
    }

    private static func checkWords(_ asked: TunnelProperties) throws(EngineError) {
        for property in TunnelProperty.allCases {
            guard let words = property.words, case .text(let given) = asked[property], !words.contains(given) else {
                continue
            }
            throw invalid("Unknown \(property.rawValue) \"\(given)\".")
        }
        for prefix in asked.trustedIPs where IPPrefix(prefix) == nil {
            throw invalid("Trusted IP \"\(prefix)\" is not a CIDR prefix.")
        }
    }

    private static func effectiveType(_ asked: TunnelProperties) throws(EngineError) -> String {
        let natural: String? =
            switch asked.protocol {
            case "tcp", "tls", "webtty": "bytestream"
            case "dtls", "quic": "datagram"
            case "http": asked.httpVersion == "h3" ? "datagram" : "bytestream"
            default: nil
            }
        guard let type = asked.type else { return natural ?? "bytestream" }
        if let natural, natural != type {
            throw invalid("Type \(type) contradicts protocol \(asked.protocol ?? "").")
        }
        return type
    }

    private static func checkTCP(_ asked: TunnelProperties) throws(EngineError) {
        if asked.publish == false { throw invalid("A tcp tunnel is always published.") }
        if let port = asked.port, !(1...65_535).contains(port) { throw invalid("Port is out of range.") }
        if sets(asked, { $0 != .general }) {
            throw invalid("A tcp tunnel has no hostname, TLS, HTTP, authentication or datagram settings.")
        }
    }

    /// Whether a property of a group that fits is asked for.
    private static func sets(_ asked: TunnelProperties, _ fits: (TunnelProperty.Group) -> Bool) -> Bool {
        TunnelProperty.allCases.contains { fits($0.group) && asked[$0] != nil }
    }

    private static func checkTLS(_ asked: TunnelProperties) throws(EngineError) {
        if let old = asked.httpUseTLS, let new = asked.upstreamTLS, old != new {
            throw invalid("http_use_tls and upstream_tls contradict each other.")
        }
        if asked.publish == false, asked.protocol == "dtls" || asked.protocol == "quic" {
            throw invalid("Private \(asked.protocol ?? "") tunnels are not supported.")
        }
        guard asked.tlsMode == "passthrough" else { return }
        if asked.protocol == "http" { throw invalid("An http tunnel needs TLS to be terminated.") }
        if asked.upstreamTLS == true || asked.tlsMinVersion != nil || asked.mtlsAuth == true {
            throw invalid("TLS passthrough excludes upstream_tls, tls_min_version and mtls_auth.")
        }
    }

    private static func checkHTTP(_ asked: TunnelProperties) throws(EngineError) {
        if let name = asked.protocol, name != "http", sets(asked, { $0 == .http }) {
            throw invalid("HTTP settings require protocol http.")
        }
        if asked.httpVersion != nil, asked.upstreamTLS ?? asked.httpUseTLS == true {
            throw invalid("http_version and upstream_tls exclude each other.")
        }
        if asked.mtlsAuth == true, asked.rstreamAuth == true {
            throw invalid("mtls_auth and rstream_auth exclude each other.")
        }
    }

    private static func hostname(_ asked: String?, host: String) throws(EngineError) -> String? {
        guard let asked else { return nil }
        let name = asked.trimmed.asciiLowercased
        guard Hostname.isValid(name) else { throw invalid("Hostname is not valid.") }
        let suffix = ".t.\(host)"
        guard name.endsWithBytes(of: suffix), Hostname.isLabel(name.dropLast(suffix.count)) else {
            throw invalid("Hostname is outside of *\(suffix).")
        }
        return name
    }

    private static func checkAbilities(_ granted: TunnelProperties) throws(EngineError) {
        if granted.type == "datagram" { throw unavailable("datagram tunnels") }
        if !granted.geoip.isEmpty { throw unavailable("geoip") }
        if granted.rstreamAuth == true { throw unavailable("rstream_auth") }
        if granted.challengeMode == true { throw unavailable("challenge_mode") }
        // NIOSSL ends the process over names that it does not know or cannot write.
        for name in granted.tlsCiphers where !CipherNames.all.contains(name) {
            throw unavailable("cipher \"\(name)\"")
        }
        for name in granted.tlsALPNs where !(1...255).contains(name.utf8.count) || !name.utf8.allSatisfy({ $0 < 128 }) {
            throw unavailable("ALPN \"\(name)\"")
        }
        guard granted.publish == true else { return }
        if granted.protocol == "webtty" { throw unavailable("published webtty tunnels") }
    }
}
