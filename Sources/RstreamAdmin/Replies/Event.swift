// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// One event of `GET /v1/events`. Which fields it has depends on ``type``; the others are left out.
package struct Event: Codable, Hashable, Sendable {
    /// Greater than those before it, over restarts of the daemon too.
    package var id: Int
    package var time: UTCTime
    /// `session.STATE`, `tunnel.STATE`, `stream.opened`, `stream.closed`, `stream.failed`, `reload.OUTCOME`, or
    /// `events.missed`.
    package var type: String
    /// The session's id.
    package var session: String?
    package var context: String?
    package var tunnel: String?
    package var listener: String?
    /// The stream's id.
    package var stream: String?
    package var source: String?
    /// The outcome of a stream: a raw value of ``StreamOutcome``.
    package var outcome: String?
    package var bytes: ByteCounts?
    package var durationSeconds: Double?
    package var forwardingAddress: String?
    /// Why a stream failed, and why a session or tunnel is not online.
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
