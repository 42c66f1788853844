// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore
package import RstreamModel

/// The engine's half of one stream: the connection that carries the stream's bytes to the engine, asked for and not
/// there yet.
///
/// How it comes about is its own matter: it may be dialed, taken from connections that were made ahead, or be one of
/// many streams on a connection. Confined to its event loop, on which the whole stream lives.
package protocol EngineHalf: AnyObject {
    /// Starts to make the half; called once. Unless `isReleased` is true, it tells the engine nothing of the stream
    /// before ``release()``, so that it can be given up without a trace.
    ///
    /// - Returns: The channel, which reads nothing until ``ArrivedStream/start(_:)``. It fails with ``RstreamError``.
    func open(isReleased: Bool) -> EventLoopFuture<any Channel>

    /// The engine may be told which stream this is.
    func release()

    /// The half is no longer needed: it fails with `error`, and what there is of its connection is dropped. Without
    /// effect once it is there.
    func cancel(_ error: RstreamError)
}

extension StreamHandshake: EngineHalf {
    func open(isReleased: Bool) -> EventLoopFuture<any Channel> {
        start(isReleased: isReleased).map { $0.channel }
    }
}
