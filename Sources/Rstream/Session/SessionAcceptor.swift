// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import RstreamModel

/// Takes the streams of a session's tunnel, however often it is opened: streams that wait to be handled outlive the
/// control channel, as those that are handled do.
struct SessionAcceptor: StreamAcceptor {
    let queue: AcceptQueue

    func localHalf(for offer: StreamOffer, on eventLoop: any EventLoop) -> any LocalHalf {
        queue.localHalf(for: offer, on: eventLoop)
    }

    /// The tunnel is opened again; ``AcceptQueue/tunnelEnded(_:)`` is called when it is not.
    func tunnelEnded(_: RstreamError?) {}
}
