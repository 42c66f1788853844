// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// One event of `GET /v1/events`. Which fields it has depends on ``type``; the others are left out.
package struct Event: Codable, Hashable, Sendable {
    /// Greater than those before it, over restarts of the daemon too.
    package var id: Int
    package var time: UTCTime
    /// `session.STATE`, `canary.STATE`, `tunnel.STATE`, `upstream.STATE`, `stream.opened`, `stream.closed`,
    /// `stream.failed`, `reload.OUTCOME`, or `events.missed`.
    package var type: String
    /// The session's id.
    package var session: String?
    package var context: String?
    package var tunnel: String?
    package var listener: String?
    /// The private tunnel of a stream that a program dialed itself, as with `rstreamctl dial`: its id or name.
    package var dial: String?
    /// The address of a tunnel's upstream: the one that a stream was connected to, or that has changed.
    package var upstream: String?
    /// The stream's id.
    package var stream: String?
    package var source: String?
    /// The outcome of a stream: a raw value of ``StreamOutcome``.
    package var outcome: String?
    package var bytes: ByteCounts?
    package var durationSeconds: Double?
    /// How long the dial took by which a stream was connected to its upstream.
    package var upstreamConnectSeconds: Double?
    package var forwardingAddress: String?
    /// Whether the tunnel was opened by hand; left out for others.
    package var byHand: Bool?
    /// Why a stream or a canary failed, and why a session or tunnel is not online.
    package var error: ErrorReport?
    /// What a reload changed.
    package var changes: [ReloadChange]?
    /// One line for a person: what a reload was refused for.
    package var message: String?
    /// How many events the reader missed, because it did not keep up or came too late.
    package var missed: Count?

    package init(id: Int = 0, time: UTCTime, type: String) {
        self.id = id
        self.time = time
        self.type = type
    }
}
