// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import RstreamCore
internal import RstreamModel
internal import RstreamWire

/// Makes the engine halves of the streams that a control channel's engine asks for.
protocol EngineHalfSource: Sendable {
    /// Chooses how the half of a stream will be made, and the event loop of the stream. Nothing is dialed before
    /// ``EngineHalf/open(isReleased:)``.
    func engineHalf(for request: EngineHalfRequest) -> PlannedEngineHalf

    /// The control channel is open, at this address.
    func channelOpened(at address: IPAddress?)

    /// The host's addresses or routes have changed.
    func networkChanged()

    /// The control channel has ended: no further stream is asked for.
    func channelEnded()
}

extension EngineHalfSource {
    func channelOpened(at _: IPAddress?) {}
    func networkChanged() {}
    func channelEnded() {}
}

/// A stream that the engine asks for.
struct EngineHalfRequest: Sendable {
    let request: ProxyConnectionRequest
    let route: StreamRoute
    /// Where the control channel is connected to.
    let controlAddress: IPAddress?
}

/// An engine half that is made on `eventLoop`.
struct PlannedEngineHalf: Sendable {
    let eventLoop: any EventLoop
    /// Called once, on `eventLoop`.
    let make: @Sendable () -> any EngineHalf
}

/// Dials a connection of its own for each stream.
struct DialedEngineHalves: EngineHalfSource {
    /// The engine of the control channel.
    let engine: EngineAddress
    /// As it is now: credentials may be renewed while the channel lives.
    let connector: @Sendable () -> EngineConnector
    let details: ClientDetails
    /// Secrets that the engine knows and may repeat in its messages.
    let secrets: [Secret]
    let zeroRTT: Bool
    let timeouts: StreamHandshake.Timeouts
    let group: any EventLoopGroup

    func engineHalf(for request: EngineHalfRequest) -> PlannedEngineHalf {
        engineHalf(for: request, with: connector(), on: nil)
    }

    /// On a warm connection, unless that is nil.
    func engineHalf(
        for request: EngineHalfRequest,
        with connector: EngineConnector,
        on warm: PrewarmedConnections.Taken?
    ) -> PlannedEngineHalf {
        let eventLoop = warm?.eventLoop ?? group.next()
        let rule = connector.redirectRule(connectedTo: request.controlAddress)
        let address =
            switch request.route {
            case .engine: engine
            case .redirect(let address): address
            }
        // Never the agent's own credential: the secret, or nothing (PROTOCOL.md §6).
        let plan = StreamHandshakeStateMachine.Plan(
            request: .proxyRequest(
                ProxyRequest(
                    details: details.with(token: request.request.secret),
                    streamID: request.request.streamID,
                    zeroRTT: zeroRTT
                )
            ),
            attempts: 2
        )
        return PlannedEngineHalf(eventLoop: eventLoop) { [secrets, timeouts] in
            StreamHandshake(
                plan,
                connector: connector,
                address: address,
                rule: rule,
                hiding: secrets,
                on: eventLoop,
                timeouts: timeouts,
                warm: warm?.connection
            )
        }
    }
}
