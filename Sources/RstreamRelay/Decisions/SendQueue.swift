// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Decides whether a peer still takes bytes from the kernel's send queue, from its length at each check.
///
/// Once the rest of a transfer is in the kernel, nothing moves in this process, while a slow peer goes on reading.
package struct SendQueue: Hashable, Sendable {
    private var last: Int?

    package init() {}

    /// Whether the queue has become shorter since the last check; at the first one, whether there is anything in it.
    package mutating func hasMoved(now count: Int) -> Bool {
        defer { last = count }
        return last.map { count < $0 } ?? (count > 0)
    }
}
