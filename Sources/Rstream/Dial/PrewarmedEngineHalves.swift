// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import RstreamCore
internal import RstreamModel

/// Gives each stream to the control channel's engine a warm connection, if there is one, and dials for the others.
struct PrewarmedEngineHalves: EngineHalfSource {
    let dialed: DialedEngineHalves
    let connections: PrewarmedConnections

    func engineHalf(for request: EngineHalfRequest) -> PlannedEngineHalf {
        switch request.route {
        case .engine:
            let connector = dialed.connector()
            let taken = connections.take(to: dialed.engine, with: connector)
            return dialed.engineHalf(for: request, with: connector, on: taken)
        case .redirect: return dialed.engineHalf(for: request)
        }
    }

    func channelOpened(at address: IPAddress?) { connections.start(connectedTo: address) }

    func networkChanged() { connections.networkChanged() }

    func channelEnded() { connections.close() }
}
