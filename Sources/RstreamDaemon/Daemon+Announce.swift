// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin

/// What a person who has started the daemon for one tunnel wants to know.
extension Daemon {
    package enum Announcement: Hashable, Sendable {
        /// A tunnel is open; a private one has no address.
        case online(tunnel: String, address: String?)
        /// A visitor has come.
        case visitor(source: String?)
        /// Something is wrong, with what to do about it if that is known.
        case problem(String, fix: String?)
    }

    /// Calls `tell` with everything that happens to tunnels from the start on, until the daemon stops or the task is
    /// cancelled.
    package func announce(_ tell: @Sendable (Announcement) -> Void) async {
        var next = EventRing.oldest
        repeat {
            let reading = statusStore.events.read(from: next)
            next = reading.next
            for event in reading.events { Self.announcement(event).map(tell) }
        } while await statusStore.events.wait(for: next) && !Task.isCancelled
    }

    private static func announcement(_ event: Event) -> Announcement? {
        if event.type == "tunnel.online", let tunnel = event.tunnel {
            return .online(tunnel: tunnel, address: event.forwardingAddress)
        }
        if event.type == "stream.opened" { return .visitor(source: event.source) }
        return event.error.map { .problem($0.message, fix: $0.fix) }
    }
}
