/// How the descriptors that a process may open are shared out, so that it never asks for one that it cannot have.
///
/// Out of descriptors nothing works as it is written: connections wait, files cannot be read, and the runtime of the
/// language ends the process. Everything that visitors, clients and files can make the daemon open at the same time is
/// therefore counted beforehand, and what is left is for streams. Below about a hundred nothing can be promised.
package struct DescriptorBudget: Hashable, Sendable {
    /// What the daemon needs whoever comes.
    package struct Fixed: Hashable, Sendable {
        /// Open when nothing is served yet: standard streams, event loops, watches, the journal.
        package var atStart: Int
        /// Contexts, each with a session.
        package var contexts: Int
        /// Sockets of listeners of the configuration.
        package var listeners: Int

        /// Where it is not known what is open at the start, what a daemon with two event loops has.
        package static let usualAtStart = 24

        package init(atStart: Int = usualAtStart, contexts: Int, listeners: Int) {
            self.atStart = atStart
            self.contexts = contexts
            self.listeners = listeners
        }

        /// A session that reconnects has its old channel, two addresses it races and a name server's socket.
        private static let perContext = 5
        /// A reload has the old socket and the new one.
        private static let perListener = 2
        /// What look-ups on threads, files that are read and connections that are refused have open for a moment.
        private static let transient = 40

        var total: Int {
            atStart + contexts * Self.perContext + listeners * Self.perListener + Self.transient
        }
    }

    /// Clients at once of the admin socket, and as many of the metrics port.
    package let adminClients: Int
    /// Streams of one session whose handshakes run at once.
    package let openingStreams: Int
    /// Streams at once; at least one.
    package let streams: Int

    /// As many clients as each HTTP listener takes where there is room (contract §6).
    private static let mostClients = 64
    private static let fewestClients = 4
    /// A stream has a connection to the engine and one to its upstream.
    private static let perStream = 2
    /// While it is opened both sides may race a second address.
    private static let perOpening = 2

    /// Shares `limit` descriptors out. `wanted` streams are at most what there is of them and what `memory` bytes are
    /// enough for, where that is limited; zero is that many. `opening` is how many each of the sessions may open at once.
    package init(limit: Int, fixed: Fixed, wanted: Int = 0, opening: Int = 64, memory: Int? = nil) {
        let free = max(0, limit - fixed.total)
        let clients = min(max(free / 8, Self.fewestClients), Self.mostClients)
        let sessions = max(1, fixed.contexts)
        openingStreams = min(max(1, free / 16 / sessions), max(1, opening))
        let left = free - 2 * clients - openingStreams * sessions * Self.perOpening
        let most = min(max(1, left / Self.perStream), memory.map { MemoryBudget.streams(limit: $0) } ?? .max)
        streams = wanted > 0 ? min(wanted, most) : most
        adminClients = clients
    }
}
