// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamCore
internal import Synchronization

/// The byte counters of one stream. Written by the stream's event loop only, readable from anywhere without a lock.
final class StreamCounters: Sendable {
    private let fromDownstream = Atomic<Int>(0)
    private let fromUpstream = Atomic<Int>(0)

    /// Bytes that came from the engine.
    var received: Int { fromDownstream.load(ordering: .relaxed) }
    /// Bytes that came from the local side.
    var sent: Int { fromUpstream.load(ordering: .relaxed) }

    func add(_ count: Int, from half: RelayStateMachine.Half) {
        switch half {
        case .downstream: fromDownstream.wrappingAdd(count, ordering: .relaxed)
        case .upstream: fromUpstream.wrappingAdd(count, ordering: .relaxed)
        }
    }
}
