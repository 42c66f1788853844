// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
package import Linux
internal import RstreamAdmin
package import RstreamConfig
internal import RstreamModel
internal import RstreamRelay
internal import Synchronization

/// The daemon that this program takes over from: what it has, the connection to it, and later what is left of it.
///
/// Mutexes guard what changes: what is reported, and the ledgers that count on.
package final class Succession: Sendable {
    let link: UpgradeLink
    let events: AsyncStream<UpgradeLink.Event>
    /// The predecessor's process and version.
    let process: Int
    let program: String
    let inventory: SuccessorStateMachine.Inventory
    /// The predecessor's tunnels by name.
    let tunnels: [String: UpgradeMessage.Tunnel]
    /// Those by hand among them, in the order in which they were opened.
    let tunnelsByHand: [UpgradeMessage.Tunnel]
    /// Whether systemd has started this program, because the service is restarted, and the predecessor waits for it.
    package let isRestart: Bool
    let sockets: SocketInheritance
    /// Its streams.
    let streams: PreviousStreams
    private let counting = Lock(Counting())
    private let end = Lock(false)
    /// Ends with the predecessor. One task may wait for it.
    private let remaining: AsyncStream<Never>
    private let endRemaining: AsyncStream<Never>.Continuation

    private struct Counting {
        var ledgers: [StreamOwner: StreamLedger] = [:]
        var totals: [StreamOwner: StreamTotals] = [:]
    }

    /// The variable that names the socket for a program that is to take over.
    static let variable = "RSTREAMD_PREDECESSOR"

    /// The connection to the daemon that has started this program to take over from it; nil for an ordinary start. Has to
    /// be called once, before threads are started: it takes the variable away.
    package static func takeSocket() -> RecordSocket? {
        guard let text = unsafe getenv(variable) else { return nil }
        let number = unsafe CInt(String(cString: text))
        unsetenv(variable)
        return number.flatMap { RecordSocket(taking: $0) }
    }

    /// Receives what the predecessor has. `isRestart` where systemd has started this program.
    ///
    /// - Throws: ``UpgradeFailure`` when the two programs do not understand each other; the predecessor has been told.
    package init(_ socket: RecordSocket, isRestart: Bool = false) async throws(UpgradeFailure) {
        self.isRestart = isRestart
        let (events, send) = AsyncStream<UpgradeLink.Event>.makeStream()
        let link = UpgradeLink(socket)
        (self.link, self.events) = (link, events)
        streams = PreviousStreams { link.send($0) }
        (remaining, endRemaining) = AsyncStream.makeStream()
        link.receive { event in
            send.yield(event)
            if case .ended = event { send.finish() }
        }
        do throws(UpgradeFailure) {
            let received = try await Received(events)
            (process, program) = (received.process, received.program)
            (inventory, tunnels) = (received.inventory, received.tunnels)
            tunnelsByHand = received.tunnelsByHand
            sockets = SocketInheritance(received.sockets)
        } catch {
            // systemd starts this program again, which then has the place for itself.
            link.send(isRestart ? .stop(withinSeconds: 30) : .refused(reason: error.description, diagnostics: []))
            await link.flush()
            throw error
        }
        link.send(.hello(version: UpgradeMessage.version, program: rstreamVersion, pid: Int(getpid())))
    }

    /// The first messages of the predecessor.
    private struct Received {
        var process = 0
        var program = ""
        var inventory = SuccessorStateMachine.Inventory()
        var tunnels: [String: UpgradeMessage.Tunnel] = [:]
        var tunnelsByHand: [UpgradeMessage.Tunnel] = []
        var sockets: [SocketLabel: [CInt]] = [:]

        init(_ events: AsyncStream<UpgradeLink.Event>) async throws(UpgradeFailure) {
            var isGreeted = false
            for await event in events {
                switch event {
                case .message(.hello(let version, let program, let pid), _):
                    guard version == UpgradeMessage.version else {
                        throw UpgradeFailure(
                            "the new program, \(rstreamVersion), takes over differently: restart the service instead"
                        )
                    }
                    (self.process, self.program, isGreeted) = (pid, program, true)
                // Of the first half of this program.
                case .message(.started, _): break
                case .message(.tunnel(let tunnel), _) where isGreeted:
                    tunnels[tunnel.name] = tunnel
                    inventory.tunnels.insert(tunnel.name)
                    if tunnel.isOnline { inventory.online.insert(tunnel.name) }
                    if tunnel.byHand != nil { tunnelsByHand.append(tunnel) }
                case .message(.context(let name), _) where isGreeted: inventory.contexts.insert(name)
                case .message(.sockets(let label), let descriptors) where isGreeted: sockets[label] = descriptors
                case .message(.inventoryEnd, _) where isGreeted: return
                case .message(.abort(let reason), _): throw UpgradeFailure(reason)
                case .failure(let failure): throw failure
                case .ended: throw SuccessorStateMachine.loss
                case .message: throw SuccessorStateMachine.mistake
                }
            }
            throw SuccessorStateMachine.loss
        }
    }

    /// Tells the predecessor that this program cannot take over.
    package func refuse(_ reason: String, _ diagnostics: [Diagnostic] = []) async {
        // Without the text of the files, which not every reader of the answer may see. What does not fit into a record is
        // left out: the log of the predecessor has to say something in any case.
        var reports = diagnostics.map(\.withoutText).map(DiagnosticReport.init)
        while (try? UpgradeMessage.refused(reason: reason, diagnostics: reports).record) == nil, !reports.isEmpty {
            reports.removeLast()
        }
        link.send(.refused(reason: reason, diagnostics: reports))
        await link.flush()
    }

    /// Ends a predecessor that does not answer.
    func kill() {
        if process > 1, let number = Int32(exactly: process) { Glibc.kill(number, SIGKILL) }
    }

    // MARK: The end of the predecessor

    var isOver: Bool { end.withLock { $0 } }

    func over() {
        end.withLock { $0 = true }
        streams.endAll()
        endRemaining.finish()
    }

    /// Waits until the predecessor has ended, or until the task is cancelled.
    func waitUntilOver() async { for await _ in remaining {} }

    // MARK: Counters

    /// The ledger counts on from what the predecessor has counted, now and later. A later ledger of the same tunnel or
    /// listener does not: what has been counted once is in the totals of the daemon.
    func count(in ledger: StreamLedger, of owner: StreamOwner) {
        let totals: StreamTotals? = counting.withLock { counting in
            guard counting.ledgers[owner] == nil else { return nil }
            counting.ledgers[owner] = ledger
            return counting.totals[owner]
        }
        if let totals { ledger.carry(totals) }
    }

    /// The predecessor has counted this so far.
    func counted(_ totals: UpgradeMessage.Totals) {
        let (owner, values) = (totals.owner, totals.totals)
        let ledger = counting.withLock { counting in
            counting.totals[owner] = values
            return counting.ledgers[owner]
        }
        ledger?.carry(values)
    }
}
