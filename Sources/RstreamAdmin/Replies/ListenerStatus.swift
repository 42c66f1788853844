// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// One listener: a local port or socket in front of a private tunnel (contract §3.4).
package struct ListenerStatus: Codable, Hashable, Sendable {
    package struct State: OpenEnum {
        /// Its address is not available yet; it is tried again.
        package static let waiting = Self(rawValue: "waiting")
        package static let listening = Self(rawValue: "listening")
        package static let allCases: [Self] = [.waiting, .listening]

        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }
    }

    /// Whether it needs no attention: it listens, and the last dial reached the tunnel. Connections that a limit turns
    /// away are expected.
    package var isAsWanted: Bool {
        state == .listening && (lastError.map { $0.code == RstreamError.Code.overload.rawValue } ?? true)
    }

    package var name: String
    package var context: String
    package var state: State
    /// `address:port` or `unix:…`, as it is configured.
    package var listen: String
    /// The addresses it listens on, one for each address of a name; empty while it does not listen.
    package var addresses: [String]
    /// The tunnel that is dialed: its id or name.
    package var dial: String
    package var streams: StreamCounts
    package var bytes: ByteCounts
    /// Why it does not listen, why its tunnel was not reached, or which limit turns connections away; null when nothing
    /// is wrong.
    @OrNull package var lastError: ErrorReport?

    package init(
        name: String,
        context: String,
        state: State,
        listen: String,
        addresses: [String] = [],
        dial: String,
        streams: StreamCounts = StreamCounts(),
        bytes: ByteCounts = ByteCounts(),
        lastError: ErrorReport? = nil
    ) {
        self.name = name
        self.context = context
        self.state = state
        self.listen = listen
        self.addresses = addresses
        self.dial = dial
        self.streams = streams
        self.bytes = bytes
        _lastError = OrNull(wrappedValue: lastError)
    }
}
