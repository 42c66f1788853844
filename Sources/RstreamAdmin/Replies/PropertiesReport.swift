// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// A tunnel's properties as the API names them: PROTOCOL.md §5.1 in camelCase. What is not set is left out.
package struct PropertiesReport: Codable, Hashable, Sendable {
    package var name: String?
    package var type: String?
    package var publish: Bool?
    package var `protocol`: String?
    package var hostname: String?
    package var port: UInt32?
    package var labels: [String: String]?
    package var geoip: [String]?
    package var trustedIps: [String]?
    package var tlsMode: String?
    package var tlsAlpns: [String]?
    package var tlsMinVersion: String?
    package var tlsCiphers: [String]?
    package var mtlsAuth: Bool?
    package var httpVersion: String?
    package var tokenAuth: Bool?
    package var rstreamAuth: Bool?
    package var challengeMode: Bool?
    package var upstreamTls: Bool?
    package var datagramGuaranteedDelivery: Bool?
    package var allowCrossRegionRouting: Bool?

    package init(_ properties: TunnelProperties) {
        name = properties.name
        type = properties.type
        publish = properties.publish
        `protocol` = properties.protocol
        hostname = properties.hostname
        port = properties.port
        labels = properties.labels.isEmpty ? nil : properties.labels
        geoip = properties.geoip.isEmpty ? nil : properties.geoip
        trustedIps = properties.trustedIPs.isEmpty ? nil : properties.trustedIPs
        tlsMode = properties.tlsMode
        tlsAlpns = properties.tlsALPNs.isEmpty ? nil : properties.tlsALPNs
        tlsMinVersion = properties.tlsMinVersion
        tlsCiphers = properties.tlsCiphers.isEmpty ? nil : properties.tlsCiphers
        mtlsAuth = properties.mtlsAuth
        httpVersion = properties.httpVersion
        tokenAuth = properties.tokenAuth
        rstreamAuth = properties.rstreamAuth
        challengeMode = properties.challengeMode
        upstreamTls = properties.upstreamTLS ?? properties.httpUseTLS
        datagramGuaranteedDelivery = properties.datagramGuaranteedDelivery
        allowCrossRegionRouting = properties.allowCrossRegionRouting
    }
}
