// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// `POST /v1/upgrade`: whether another process has taken over. A refused one comes with status 422.
package struct UpgradeReply: Codable, Hashable, Sendable {
    package struct Outcome: OpenEnum {
        /// The new process serves everything, and this one only has the streams that it had.
        package static let takenOver = Self(rawValue: "takenOver")
        /// The new process did not get that far; everything goes on as before.
        package static let refused = Self(rawValue: "refused")
        package static let allCases: [Self] = [.takenOver, .refused]

        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }
    }

    package var outcome: Outcome
    /// The new process; null when it was refused.
    @OrNull package var pid: Int?
    /// Its version; null when it was refused.
    @OrNull package var version: String?
    /// One sentence for a person.
    package var message: String
    /// Errors of the configuration, where they are the reason.
    package var diagnostics: [DiagnosticReport]

    package init(
        outcome: Outcome,
        pid: Int? = nil,
        version: String? = nil,
        message: String,
        diagnostics: [DiagnosticReport] = []
    ) {
        self.outcome = outcome
        _pid = OrNull(wrappedValue: pid)
        _version = OrNull(wrappedValue: version)
        self.message = message
        self.diagnostics = diagnostics
    }
}

/// What is left of a process that this one has taken over from.
package struct PreviousDaemon: Codable, Hashable, Sendable {
    @Count package var pid: Int
    package var version: String
    /// Its streams that have not ended.
    @Count package var streams: Int
    /// When the rest of them is cut.
    package var until: UTCTime

    package init(pid: Int, version: String, streams: Int, until: UTCTime) {
        self.pid = pid
        self.version = version
        self.streams = streams
        self.until = until
    }
}
