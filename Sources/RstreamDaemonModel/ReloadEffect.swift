// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// What a reload that changes a key does to sessions, tunnels, listeners and streams (contract §5).
///
/// ``ConfigurationKey/effect`` is the one place that says which key has which effect: the plan of a reload compares by
/// it, and the reply, the log and the manual page tell it.
package enum ReloadEffect: String, Hashable, Sendable, CaseIterable {
    /// Only changes how files are read; their content is compared separately.
    case reading
    /// Takes effect at once, for everything new. No session, tunnel, listener or stream is touched.
    case atOnce
    /// The session connects anew and its tunnels open again. Streams of tunnels and listeners stay.
    case reconnect
    /// The tunnel or listener goes on with the new value. No stream that runs is touched.
    case update
    /// The tunnel goes on with the new value, and streams that run go by `reload.changed`.
    case reroute
    /// Another tunnel or listener takes its place, and streams that run go by `reload.changed`.
    case replace
    /// A tunnel or listener comes or goes, and streams of what goes go by `reload.changed`.
    case presence

    /// Whether streams that run now go by `reload.changed`; otherwise nothing happens to them.
    package var concernsStreams: Bool {
        switch self {
        case .reading, .atOnce, .reconnect, .update: false
        case .reroute, .replace, .presence: true
        }
    }

    /// Whether another tunnel or listener takes the place of the one that has the key.
    package var replaces: Bool {
        switch self {
        case .replace, .presence: true
        case .reading, .atOnce, .reconnect, .update, .reroute: false
        }
    }
}
