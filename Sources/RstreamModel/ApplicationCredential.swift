// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// An application's identity, with which a client signs its own short-lived tokens (CONFIG.md §11).
public struct ApplicationCredential: Hashable, Sendable {
    /// The application's id.
    public var clientID: String
    /// Hexadecimal text of a P-521 private key in PKCS#8 DER, as the console shows it.
    public var clientSecret: Secret
    /// How long each token is valid, 1 s to 1 h in whole seconds; one minute unless given.
    public var lifetime: Duration
    /// What the tokens may do; nil for everything that the application itself may do.
    public var grant: TunnelGrant?
    /// The engine that the tokens are for, as its address is written; nil for every one.
    public var engine: String?

    /// An identity whose tokens are valid for one minute unless given.
    public init(
        clientID: String,
        clientSecret: Secret,
        lifetime: Duration = .seconds(60),
        grant: TunnelGrant? = nil,
        engine: String? = nil
    ) {
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.lifetime = lifetime
        self.grant = grant
        self.engine = engine
    }
}

/// What a token may do with tunnels (CONFIG.md §9).
public indirect enum TunnelGrant: Hashable, Sendable {
    /// Something in these projects.
    case projects([String])
    /// Something in these workspaces.
    case workspaces([String])
    /// These permissions, in every project and workspace that the credential reaches.
    case permissions(Set<Permission>)
    /// What all of these allow.
    case and([TunnelGrant])
    /// What any of these allows.
    case or([TunnelGrant])

    /// One thing that a token may allow.
    public enum Permission: String, Hashable, Sendable, CaseIterable {
        case create
        case connect
        case list
    }
}
