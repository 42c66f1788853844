// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

extension TransportOptions {
    /// What the daemon does about warm connections: unlike the library, it keeps some unless told otherwise.
    package var prewarming: Prewarm { prewarm ?? Prewarm() }
}
