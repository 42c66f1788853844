// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Logging
import Rstream

func makeConfiguredClient() throws -> RstreamClient {
    let client = try RstreamClient.fromEnvironment()
    return client
}

func makeStagingClient() throws -> RstreamClient {
    let client = try RstreamClient.fromEnvironment(context: "staging") { options in
        options.timeouts.connect = .seconds(5)
        options.transport.ipFamily = .ipv4
    }
    return client
}

func makeClient(logger: Logger) throws -> RstreamClient {
    let options = RstreamClientOptions(
        engine: try EngineAddress("1a2b3c4d.cluster.example"),
        credential: .tokenFile(path: "/etc/rstream/token"),
        transport: TransportOptions(tls: TransportOptions.TLS(caFile: "/etc/rstream/ca.pem")),
        timeouts: RstreamClientOptions.Timeouts(connect: .seconds(5))
    )
    let client = RstreamClient(options, logger: logger)
    return client
}
