// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// What the value of a label may be, and which key of a tunnel file it becomes.
enum LabelKey {
    enum Form {
        case boolean
        case port
        case text
        /// Texts with commas between them.
        case list
    }

    /// By the part behind the tunnel's name, but for `forward` and `label.`.
    static let all: [String: (form: Form, path: [String])] = [
        "publish": (.boolean, ["publish"]),
        "protocol": (.text, ["protocol"]),
        "type": (.text, ["type"]),
        "host": (.text, ["host"]),
        "port": (.port, ["port"]),
        "upstream-tls": (.boolean, ["upstreamTLS"]),
        "datagram-guaranteed-delivery": (.boolean, ["datagramGuaranteedDelivery"]),
        "allow-cross-region-routing": (.boolean, ["allowCrossRegionRouting"]),
        "trusted-ips": (.list, ["trustedIPs"]),
        "geoip": (.list, ["geoip"]),
        "http.version": (.text, ["http", "version"]),
        // What older containers have for upstream-tls.
        "http.upstreamTLS": (.boolean, ["http", "upstreamTLS"]),
        "http.auth.token": (.boolean, ["http", "auth", "token"]),
        "http.auth.rstream": (.boolean, ["http", "auth", "rstream"]),
        "http.gate.challenge": (.boolean, ["http", "gate", "challenge"]),
        "tls.mode": (.text, ["tls", "mode"]),
        "tls.minVersion": (.text, ["tls", "minVersion"]),
        "tls.ciphers": (.list, ["tls", "ciphers"]),
        "tls.alpns": (.list, ["tls", "alpns"]),
        "tls.mtls": (.boolean, ["tls", "mtls"]),
    ]

    /// In front of a tunnel's name.
    static let tunnel = "rstream.tunnel."
    static let forward = "forward"
    static let label = "label."
    /// Of the container, not of a tunnel.
    static let context = "rstream.context"

    /// Whether a label is one of ours, as far as its beginning tells.
    static func isOurs(_ label: String) -> Bool { label.startsWithBytes(of: tunnel) || label.sameBytes(as: context) }
}
