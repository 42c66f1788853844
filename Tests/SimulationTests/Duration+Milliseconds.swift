// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

extension Duration {
    /// Rounded up, so that no timer fires early.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(seconds) * 1_000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
