// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Divides the descriptors that a process may open, so that it never runs out of them.
///
/// Without descriptors connections wait, files cannot be read, and Swift's runtime ends the process. Everything that
/// visitors, clients and files can make the daemon open at the same time is therefore counted in advance, and the rest
/// is for streams. Below about a hundred descriptors there is no guarantee.
package struct DescriptorBudget: Hashable, Sendable {
    /// What the daemon needs without any stream.
    package struct Fixed: Hashable, Sendable {
        /// Open when nothing is served yet: standard streams, event loops, watches, the journal.
        package var atStart: Int
        /// Contexts, each with a session.
        package var contexts: Int
        /// Sockets of listeners of the configuration.
        package var listeners: Int
        /// Checks of upstreams that run at once.
        package var checks: Int
        /// Sessions that send canaries.
        package var canaries: Int
        /// HTTP listeners beside the admin socket.
        package var ports: Int

        /// What a daemon with two event loops has open at the start, for checks that cannot count.
        package static let usualAtStart = 24

        package init(
            atStart: Int = usualAtStart,
            contexts: Int,
            listeners: Int,
            checks: Int = 0,
            canaries: Int = 0,
            ports: Int = 1
        ) {
            self.atStart = atStart
            self.contexts = contexts
            self.listeners = listeners
            self.checks = checks
            self.canaries = canaries
            self.ports = ports
        }

        /// A session that reconnects has its old channel, two addresses it races and a name server's socket.
        private static let perContext = 5
        /// A reload has the old socket and the new one.
        private static let perListener = 2
        /// A check may race a second address.
        private static let perCheck = 2
        /// A canary has both ends of a stream through the engine, and each may race a second address.
        private static let perCanary = 4
        /// What look-ups on threads, files that are read and connections that are refused have open for a moment.
        private static let transient = 40

        var total: Int {
            let sockets = contexts * Self.perContext + listeners * Self.perListener
            let attempts = checks * Self.perCheck + canaries * Self.perCanary
            return atStart + sockets + attempts + Self.transient
        }
    }

    /// What limits the streams to fewer than are wanted, or than there would be without inspected tunnels.
    package struct Shortage: Hashable, Sendable {
        /// Which resource is short, and for how many streams it is enough.
        package let what: String
        /// What to do about it.
        package let fix: String
    }

    /// Clients at once of the admin socket, and as many of each port beside it.
    package let adminClients: Int
    /// Streams of one session whose handshakes run at once.
    package let openingStreams: Int
    /// Connections that one session may keep warm for streams; no more than it may open at once.
    package let warmConnections: Int
    /// Streams at once that there is enough of everything for; at least one.
    package let room: Int
    /// Streams at once: as many as are wanted, or as there is room for.
    package let streams: Int
    /// Why there are fewer streams than are wanted; nil where there are as many. Where no number is wanted: why requests
    /// of inspected tunnels leave memory for half of the streams, or fewer.
    package let shortage: Shortage?

    /// As many clients as each HTTP listener takes where there is room (contract §6).
    private static let mostClients = 64
    private static let fewestClients = 4
    /// A stream has a connection to the engine and one to its upstream.
    private static let perStream = 2
    /// While it is opened both sides may race a second address.
    private static let perOpening = 2
    /// One that is dialed races a second address; one that was dropped waits for the engine's close while another takes
    /// its place.
    private static let perWarm = 2

    /// Shares `limit` descriptors out. `wanted` streams are at most what there is of them and what `memory` bytes are
    /// enough for, where that is limited; zero is that many. `opening` is how many each of the sessions may open at
    /// once, `warm` how many connections it may keep warm, and `requests` the bytes of memory that requests of inspected
    /// tunnels may take.
    package init(
        limit: Int,
        fixed: Fixed,
        wanted: Int = 0,
        opening: Int = 64,
        warm: Int = 0,
        memory: Int? = nil,
        requests: Int = 0
    ) {
        let free = max(0, limit - fixed.total)
        let clients = min(max(free / 8, Self.fewestClients), Self.mostClients)
        let sessions = max(1, fixed.contexts)
        openingStreams = min(max(1, free / 16 / sessions), max(1, opening))
        warmConnections = min(max(0, warm), openingStreams)
        let opening = openingStreams * Self.perOpening + warmConnections * Self.perWarm
        let left = free - (1 + max(0, fixed.ports)) * clients - opening * sessions
        let byMemory = memory.map { MemoryBudget.streams(limit: $0, requests: requests) } ?? .max
        room = min(max(1, left / Self.perStream), byMemory)
        streams = wanted > 0 ? min(wanted, room) : room
        adminClients = clients
        let inspected = requests > 0 ? ", less \(requests >> 20) MiB for inspect," : ""
        shortage =
            if let memory, room == byMemory, wanted > room || wanted == 0 {
                Self.shortage(
                    of: "the \(memory >> 20) MiB of memory that the control group may have\(inspected)",
                    wanted: wanted,
                    room: room,
                    withoutInspection: MemoryBudget.streams(limit: memory)
                )
            } else if wanted > room {
                Shortage(
                    what: "limits.streams is \(wanted), and \(limit) file descriptors are enough for \(room)",
                    fix: "raise LimitNOFILE= of the service, or lower limits.streams"
                )
            } else {
                nil
            }
    }

    private static func shortage(of memory: String, wanted: Int, room: Int, withoutInspection: Int) -> Shortage? {
        if wanted > 0 {
            return Shortage(
                what: "limits.streams is \(wanted), and \(memory) are enough for \(room)",
                fix: "raise MemoryMax= of the service, or lower limits.streams"
            )
        }
        guard room <= withoutInspection / 2 else { return nil }
        return Shortage(
            what: "\(memory) are enough for \(room) streams",
            fix: "raise MemoryMax= of the service, or inspect fewer tunnels"
        )
    }
}
