// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// What the operator says about the tunnels of containers.
package struct TunnelOptions: Hashable, Sendable {
    /// The network whose address is used for a port without one; nil for the first one by name.
    package var network: String?
    /// The context of containers that name none; nil for the daemon's own.
    package var context: String?
    /// The contexts that the label `rstream.context` may name. A name that the daemon does not know would make it refuse
    /// the whole file, so labels may not name any other.
    package var labelContexts: [String] = []

    package init() {}
}
