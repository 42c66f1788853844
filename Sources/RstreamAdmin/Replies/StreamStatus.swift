// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// One open stream: a visitor's bytes through a tunnel, or a local connection through a listener or a dial
/// (contract §4).
package struct StreamStatus: Codable, Hashable, Sendable {
    package struct State: OpenEnum {
        /// Both sides are being dialed.
        package static let opening = Self(rawValue: "opening")
        /// Waits for an upstream that refuses or is missing.
        package static let holding = Self(rawValue: "holding")
        package static let relaying = Self(rawValue: "relaying")
        /// Left over from what a reload or a stop has ended.
        package static let draining = Self(rawValue: "draining")
        package static let allCases: [Self] = [.opening, .holding, .relaying, .draining]

        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }
    }

    /// Unique in this process; what `DELETE /v1/streams/{id}` wants. That of a process before this one begins with its number.
    package var id: String
    /// The process before this one that has the stream; null for a stream of the daemon itself.
    @OrNull package var process: Int?
    /// Null for a stream of another kind.
    @OrNull package var tunnel: String?
    /// Null for a stream of another kind.
    @OrNull package var listener: String?
    /// The private tunnel that a program has dialed itself, as with `rstreamctl dial`; null for other streams.
    @OrNull package var dial: String?
    package var state: State
    /// Who connected; null when the engine did not say.
    @OrNull package var source: String?
    package var openedAt: UTCTime
    package var bytes: ByteCounts

    package init(
        id: String,
        process: Int? = nil,
        tunnel: String? = nil,
        listener: String? = nil,
        dial: String? = nil,
        state: State,
        source: String? = nil,
        openedAt: UTCTime,
        bytes: ByteCounts = ByteCounts()
    ) {
        self.id = id
        _process = OrNull(wrappedValue: process)
        _tunnel = OrNull(wrappedValue: tunnel)
        _listener = OrNull(wrappedValue: listener)
        _dial = OrNull(wrappedValue: dial)
        self.state = state
        _source = OrNull(wrappedValue: source)
        self.openedAt = openedAt
        self.bytes = bytes
    }
}
