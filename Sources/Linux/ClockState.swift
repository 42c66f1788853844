// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CLinux
internal import Glibc

/// Whether something keeps this host's clock right.
package enum ClockState: Hashable, Sendable {
    case synchronised
    case unsynchronised
    /// The kernel does not say.
    case unknown

    /// Asks the kernel (adjtimex(2)), which changes nothing.
    package static var current: ClockState {
        var state = timex()
        switch unsafe adjtimex(&state) {
        case TIME_ERROR: return .unsynchronised
        case 0...: return .synchronised
        default: return .unknown
        }
    }
}
