// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore
package import RstreamCore

/// The local half of one stream while it is opened: the connection to an upstream, a connection that a listener
/// accepted, or the program that takes the stream.
///
/// It reports to ``StreamOpening`` and does what that decides. Confined to the stream's event loop.
package protocol LocalHalf: AnyObject {
    /// How long the engine half may withhold its first frame for this half.
    var requestDelay: Duration { get }

    /// Begins; called once. It reports to `opening` whether the half is there, failed, or is refused, at once or later.
    func start(_ opening: StreamOpening)

    /// The upstream could not be reached and will be dialed again after `delay`.
    func held(for delay: Duration)

    /// Dials the upstream again.
    func dialAgain()

    /// Takes the stream over; both halves are there. When the future fails, the caller closes the engine half.
    func join(_ stream: ArrivedStream) -> EventLoopFuture<Void>

    /// The stream will not be opened: closes what there is of the local half.
    func end(_ cause: StreamOpeningStateMachine.Cause)
}

extension LocalHalf {
    package var requestDelay: Duration { .zero }
    package func held(for _: Duration) {}
    package func dialAgain() {}
}
