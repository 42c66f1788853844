// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The waits between attempts: `reconnect` in rstreamd.yaml (contract §3.1).
package struct ReconnectPolicy: Hashable, Sendable {
    /// The first step of the backoff.
    package var minimum: Duration
    /// The last step of the backoff.
    package var maximum: Duration
    /// The wait after the engine rejected us in a way that a retry does not change.
    package var rejected: Duration

    package init(
        minimum: Duration = .seconds(1),
        maximum: Duration = .seconds(30),
        rejected: Duration = .seconds(300)
    ) {
        self.minimum = minimum
        self.maximum = maximum
        self.rejected = rejected
    }
}
