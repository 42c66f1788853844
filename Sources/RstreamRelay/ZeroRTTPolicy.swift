// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Synchronization

/// Decides whether a listener's dials wait for the engine's answer.
///
/// With `zero_rtt` the engine does not say that there is no such tunnel; it closes the connection (PROTOCOL.md §8),
/// and a listener that dials a missing tunnel would look like a service that never answers. So the answer is waited
/// for until the tunnel could be dialed once, and again after a stream on which the tunnel sent nothing.
///
/// One atomic flag, shared by all connections of a listener.
final class ZeroRTTPolicy: Sendable {
    private let isProven = Atomic(false)

    /// What to ask for in a dial: false waits for the answer, nil leaves it to the client's options.
    var zeroRTT: Bool? { isProven.load(ordering: .relaxed) ? nil : false }

    func dialed() { isProven.store(true, ordering: .relaxed) }

    /// A stream has ended after so many bytes from the tunnel.
    func streamEnded(received: Int) {
        if received == 0 { isProven.store(false, ordering: .relaxed) }
    }
}
