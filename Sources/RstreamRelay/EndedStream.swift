// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import Logging
internal import RstreamDaemonModel
package import RstreamModel

/// What is known of a stream from its beginning.
package struct StreamOrigin: Hashable, Sendable {
    /// The engine's id of the stream, where it has one: the `stream_id` of the log.
    package let engineID: String?
    /// The visitor's address, if it is known.
    package let source: IPAddress?
    /// The private tunnel that a program has dialed itself; nil for a stream of a tunnel or listener.
    package let dialed: String?

    package init(engineID: String? = nil, source: IPAddress? = nil, dialed: String? = nil) {
        (self.engineID, self.source, self.dialed) = (engineID, source, dialed)
    }
}

/// A stream that has ended, or was refused: the one value that its event and its line in the log are made of.
package struct EndedStream: Hashable, Sendable {
    package let origin: StreamOrigin
    /// The number of its ``StreamSnapshot``; nil for one that never had a place.
    package let id: UInt64?
    /// Bytes that came from the engine.
    package let received: Int
    /// Bytes that came from the local side.
    package let sent: Int
    package let end: StreamEnd

    package init(_ origin: StreamOrigin, id: UInt64? = nil, received: Int = 0, sent: Int = 0, _ end: StreamEnd) {
        (self.origin, self.id, self.received, self.sent, self.end) = (origin, id, received, sent, end)
    }

    /// The facts of its line `stream closed`, beside the tunnel or listener that a logger adds. What is not known is
    /// left out.
    package var facts: Logger.Metadata {
        var facts: Logger.Metadata = ["outcome": "\(end.outcome.rawValue)"]
        if let engineID = origin.engineID { facts["stream_id"] = "\(engineID)" }
        if let source = origin.source { facts["source"] = "\(source)" }
        if let dialed = origin.dialed { facts["dial"] = "\(dialed)" }
        if let upstream = end.upstream { facts["upstream"] = "\(upstream)" }
        if let connecting = end.connecting { facts["upstream_connect"] = .stringConvertible(connecting) }
        if let id {
            facts["stream_number"] = .stringConvertible(id)
            facts["received"] = .stringConvertible(received)
            facts["sent"] = .stringConvertible(sent)
            facts["duration"] = .stringConvertible(end.lasted)
        }
        if let error = end.error {
            facts["error"] = "\(error.what)"
            facts["error_code"] = "\(error.code)"
        }
        return facts
    }
}
