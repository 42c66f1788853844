// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// The answer with status 202: the daemon has begun to do it.
package struct Accepted: Codable, Hashable, Sendable {
    /// What was asked for: `reconnect`, `disable`, `enable` or `drain`.
    package var action: String
    /// The context or the tunnel.
    package var target: String
    /// How many streams the tunnel has that this is about; null for `reconnect`.
    @OrNull package var streams: Int?
    /// What becomes of them: `drain`, `keep` or `cut`; null for `reconnect`.
    @OrNull package var disposition: String?
    /// When streams that have not ended are cut; null unless they drain.
    @OrNull package var cutAt: UTCTime?
    /// What ends it, unless an operator does; null for `reconnect`, and for `enable` of a tunnel that the files enable.
    @OrNull package var until: TunnelStatus.DisabledUntil?

    package init(
        action: String,
        target: String,
        streams: Int? = nil,
        disposition: String? = nil,
        cutAt: UTCTime? = nil,
        until: TunnelStatus.DisabledUntil? = nil
    ) {
        self.action = action
        self.target = target
        _streams = OrNull(wrappedValue: streams)
        _disposition = OrNull(wrappedValue: disposition)
        _cutAt = OrNull(wrappedValue: cutAt)
        _until = OrNull(wrappedValue: until)
    }
}

/// The body of a call that disables or drains; without a body, it lasts until the next reload.
package struct TunnelChangeRequest: Codable, Hashable, Sendable {
    /// Whether it outlives reloads and restarts, until the tunnel is enabled.
    package var untilEnabled: Bool?

    package init(untilEnabled: Bool? = nil) { self.untilEnabled = untilEnabled }
}
