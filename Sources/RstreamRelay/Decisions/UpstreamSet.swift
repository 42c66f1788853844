// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A set of places in a list of upstreams, without memory of its own.
package struct UpstreamSet: Hashable, Sendable {
    /// Places that it can hold: 0 to 63.
    package static let capacity = UInt64.bitWidth

    private var bits: UInt64 = 0

    package init() {}

    package var isEmpty: Bool { bits == 0 }
    package var count: Int { bits.nonzeroBitCount }

    package func contains(_ place: Int) -> Bool { bits & Self.bit(place) != 0 }

    package mutating func insert(_ place: Int) { bits |= Self.bit(place) }

    // Zero for a place that it cannot hold.
    private static func bit(_ place: Int) -> UInt64 { 1 << UInt64(clamping: place) }
}
