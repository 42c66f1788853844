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
        var (next, filter) = (EventRing.oldest, AnnouncementFilter())
        repeat {
            let reading = statusStore.events.read(from: next)
            next = reading.next
            for event in reading.events {
                guard let announcement = Self.announcement(event), filter.isNews(announcement) else { continue }
                tell(announcement)
            }
        } while await statusStore.events.wait(for: next) && !Task.isCancelled
    }

    /// Leaves out a problem that every attempt meets anew, until there is another one or a tunnel is open.
    struct AnnouncementFilter: Hashable, Sendable {
        private var problem: Announcement?

        mutating func isNews(_ announcement: Announcement) -> Bool {
            switch announcement {
            case .visitor: return true
            case .online:
                problem = nil
                return true
            case .problem:
                defer { problem = announcement }
                return announcement != problem
            }
        }
    }

    private static func announcement(_ event: Event) -> Announcement? {
        if event.type == "tunnel.online", let tunnel = event.tunnel {
            return .online(tunnel: tunnel, address: event.forwardingAddress)
        }
        if event.type == "stream.opened" { return .visitor(source: event.source) }
        return event.error.map { .problem($0.message, fix: $0.fix) }
    }
}
