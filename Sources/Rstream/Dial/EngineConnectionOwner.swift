// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import RstreamWire

/// Learns what happens on an engine connection that carries no stream yet. Confined to the connection's event loop.
protocol EngineConnectionOwner: AnyObject {
    /// The TLS handshake is over.
    func connected(_ channel: any Channel)

    /// Whether what the engine says now is a frame; otherwise it is kept for the stream.
    func awaitsFrame(on channel: any Channel) -> Bool

    func received(_ message: Message, on channel: any Channel)

    func malformed(_ error: FrameError, on channel: any Channel)

    /// The engine closed the connection, or it failed.
    func closed(_ channel: any Channel, error: (any Error)?)
}
