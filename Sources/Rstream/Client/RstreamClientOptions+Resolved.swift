// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#if ConfigurationFiles
internal import ClientConfiguration
internal import RstreamModel

extension RstreamClientOptions {
    /// The options of a resolved configuration, with the official clients' defaults for everything else.
    init(_ client: ResolvedClient) {
        self.init(engine: client.engine, credential: Credential(client.credential), transport: client.transport)
    }
}
#endif
