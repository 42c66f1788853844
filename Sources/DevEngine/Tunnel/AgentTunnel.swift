// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import NIOCore
import NIOSSL
import RstreamModel
import RstreamSocket

/// A granted tunnel. It belongs to its control channel and ends with it.
final class AgentTunnel {
    /// How visitors reach it.
    enum Kind {
        /// Only by private dial.
        case unpublished
        /// By the Host of their request.
        case http
        /// By the name in their TLS handshake, which the engine terminates.
        case terminated
        /// By the name in their TLS handshake, which the service terminates.
        case passthrough
        /// By a port of its own.
        case tcp
    }

    let id: String
    let kind: Kind
    let created: Date
    let tls: NIOSSLContext?
    private(set) weak var owner: AgentSession?
    /// The granted properties.
    private(set) var properties: TunnelProperties
    private(set) var isOpen = true
    private let trusted: [IPPrefix]
    private var listener: (any Channel)?

    init(id: String, validated: TunnelProperties, tls: NIOSSLContext?, owner: AgentSession) {
        self.id = id
        self.tls = tls
        self.owner = owner
        kind = Self.kind(of: validated)
        created = Date()
        trusted = validated.trustedIPs.compactMap { IPPrefix($0) }
        properties = validated
        properties.id = id
        properties.creationDate = Timestamp(seconds: Int64(created.timeIntervalSince1970))
        if kind == .terminated { properties.tlsMode = "terminated" }
    }

    static func kind(of validated: TunnelProperties) -> Kind {
        guard validated.publish == true else { return .unpublished }
        switch validated.protocol {
        case "http": return .http
        case "tcp": return .tcp
        default: return validated.tlsMode == "passthrough" ? .passthrough : .terminated
        }
    }

    /// Sets the published address.
    func publish(hostname: String, port: Int, listener: (any Channel)? = nil) {
        properties.hostname = hostname
        properties.port = UInt32(clamping: port)
        self.listener = listener
    }

    /// Whether a visitor from this address is allowed.
    func trusts(_ source: IPAddress?) -> Bool {
        guard !trusted.isEmpty else { return true }
        guard let source else { return false }
        return trusted.contains { $0.contains(source) }
    }

    /// Closes its own port, if it has one. Relayed streams continue.
    func close() {
        isOpen = false
        if let listener { ListeningSocket.closeNow(listener) }
        listener = nil
    }
}
