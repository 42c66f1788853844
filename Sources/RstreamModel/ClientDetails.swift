// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Who a connection says it is, in its first frame (PROTOCOL.md §3).
package struct ClientDetails: Hashable, Sendable {
    /// Program name.
    package var agent: String?
    /// Release channel.
    package var channel: String?
    /// Semantic version of the program.
    package var version: String?
    /// Operating system, lower case.
    package var os: String?
    /// Processor architecture in Go's words: `amd64`, `arm64`.
    package var arch: String?
    /// Bearer credential of the agent, or the per-stream secret.
    package var token: Secret?
    /// Level of the schema that the program was built from.
    package var protocolVersion: String?

    /// Everything absent unless given.
    package init(
        agent: String? = nil,
        channel: String? = nil,
        version: String? = nil,
        os: String? = nil,
        arch: String? = nil,
        token: Secret? = nil,
        protocolVersion: String? = nil
    ) {
        self.agent = agent
        self.channel = channel
        self.version = version
        self.os = os
        self.arch = arch
        self.token = token
        self.protocolVersion = protocolVersion
    }

    /// The same program with another credential, or none.
    package func with(token: Secret?) -> Self {
        var details = self
        details.token = token
        return details
    }
}

/// What an engine says about itself; informational (PROTOCOL.md §3).
public struct ServerDetails: Hashable, Sendable {
    /// Program name.
    public var agent: String?
    /// Release channel.
    public var channel: String?
    /// Version of the engine.
    public var version: String?
    /// The project's plan.
    public var plan: String?
    /// Where the engine runs.
    public var provider: String?
    /// Region of the engine.
    public var region: String?
    /// Undocumented; passed on unchanged.
    public var update: String?

    /// Everything absent unless given.
    public init(
        agent: String? = nil,
        channel: String? = nil,
        version: String? = nil,
        plan: String? = nil,
        provider: String? = nil,
        region: String? = nil,
        update: String? = nil
    ) {
        self.agent = agent
        self.channel = channel
        self.version = version
        self.plan = plan
        self.provider = provider
        self.region = region
        self.update = update
    }
}
