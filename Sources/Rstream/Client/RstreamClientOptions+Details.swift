// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel
internal import RstreamWire

extension RstreamClientOptions {
    /// The client's details in the first frame of every connection, without a credential.
    var details: ClientDetails {
        ClientDetails(
            agent: agent.name,
            channel: agent.channel,
            version: agent.version,
            os: "linux",
            arch: Self.architecture,
            protocolVersion: wireProtocolVersion
        )
    }

    /// In Go's terms, which the official tools use.
    private static var architecture: String {
        #if arch(x86_64)
        "amd64"
        #elseif arch(arm64)
        "arm64"
        #else
        "unknown"
        #endif
    }
}
