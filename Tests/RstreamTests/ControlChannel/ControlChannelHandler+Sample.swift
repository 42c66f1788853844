// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Logging
import NIOCore
import RstreamCore
import RstreamModel

@testable import Rstream

extension ControlChannelHandler {
    /// One that sends no heartbeats and dials nothing. It succeeds `opened` when the engine has opened the channel.
    static func sample(_ opened: EventLoopPromise<Opened>, on loop: any EventLoop) throws -> ControlChannelHandler {
        ControlChannelHandler(
            machine: ControlChannelStateMachine(
                details: ClientDetails(),
                heartbeatMilliseconds: nil,
                limits: ControlChannelLimits()
            ),
            engine: try EngineAddress("engine.test:443"),
            engineHalves: NoStreams(),
            hiding: [],
            timeouts: RstreamClientOptions.Timeouts(),
            group: loop,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            opened: opened,
            ended: Ending<ChannelEnd>()
        )
    }
}

/// For a control channel whose engine asks for no stream.
private struct NoStreams: EngineHalfSource {
    func engineHalf(for _: EngineHalfRequest) -> PlannedEngineHalf {
        fatalError("nothing is dialed")
    }
}
