// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Logging
import NIOCore
import NIOHTTP1
import Rstream
import ServiceLifecycle
import UnixSignals

func runSession(_ client: RstreamClient, logger: Logger) async throws {
    let session = try RstreamSession(
        client,
        tunnels: [
            RstreamSession.Tunnel(TunnelSpec(protocol: .http)) { stream in
                try await stream.withHTTP { requests, responses in
                    for try await case .head(let request) in requests {
                        let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["Content-Length": "0"])
                        try await responses.write(.head(head))
                        try await responses.write(.end(nil))
                        guard request.isKeepAlive else { return }
                    }
                }
            }
        ]
    )
    let services = ServiceGroup(
        services: [session],
        gracefulShutdownSignals: [.sigterm, .sigint],
        logger: logger
    )
    try await services.run()
}

func watch(_ session: RstreamSession, print: (String) -> Void) async {
    for await state in session.states {
        switch state.connection {
        case .online: print("online: \(state.tunnels.compactMap(\.address))")
        case .waiting(let error, let delay): print("\(error); next attempt in \(delay)")
        case .idle, .connecting, .draining, .closed: break
        }
    }
}
