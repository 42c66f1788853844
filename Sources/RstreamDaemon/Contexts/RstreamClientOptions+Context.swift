// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Rstream
internal import RstreamConfig
internal import RstreamDaemonModel
internal import RstreamModel

extension RstreamClientOptions {
    /// The options of a client for a context: for the daemon's sessions, and for the doctor's probe.
    init(_ context: ContextDefinition, limits: LimitSettings = LimitSettings()) {
        var transport = context.transport
        transport.prewarm = transport.prewarming
        self.init(
            engine: context.engine,
            credential: Credential(context.credential),
            transport: transport,
            limits: Limits(openingStreams: limits.openingStreams, pendingStreams: limits.pendingStreams),
            agent: AgentDetails(name: "rstreamd", channel: "stable", version: rstreamVersion)
        )
    }
}
