// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// Decides how a program that was started beside the running daemon takes over from it.
///
/// ```
///             sessions online         begin              all online           committed
/// connecting -----------------> ready ------> taking over ---------> confirming ---------> serving
/// ```
///
/// It waits until each session is online that is online at the predecessor too: a take-over makes nothing worse. Then it
/// asks for the tunnels, a few at a time, and opens each as soon as it is released, so that an address is away for about
/// one round trip to the engine. Tunnels that it does not want are released first, because a new tunnel may need their
/// address. A tunnel that was online and is not again in time ends the take-over, and the predecessor takes back all. One
/// whose name another host on standby got in between is served there, and waits for it here.
///
/// A program that systemd has started because the service is restarted takes over in any case, as a start does whatever the
/// engine says: what is not there in time comes later, and a predecessor that does not answer is killed.
package struct SuccessorStateMachine: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        case connecting
        /// The predecessor was told, and has not answered.
        case ready
        /// Tunnels that this program does not want are being closed.
        case clearing
        case takingOver
        case confirming
        case serving
        case failed
    }

    package struct Timeouts: Hashable, Sendable {
        /// From the start until the sessions are online.
        package var connecting = Duration.seconds(20)
        /// For the predecessor to close a tunnel, and for the engine to open it.
        package var tunnel = Duration.seconds(15)
        /// For any other answer of the predecessor.
        package var answer = Duration.seconds(30)

        package init() {}
    }

    /// What the predecessor has.
    package struct Inventory: Hashable, Sendable {
        /// Every tunnel that it opens.
        package var tunnels: Set<String> = []
        /// Those among them that are online.
        package var online: Set<String> = []
        /// The contexts whose sessions are online.
        package var contexts: Set<String> = []

        package init() {}
    }

    /// What runs here.
    package struct View: Hashable, Sendable {
        /// The context of each session, and whether it is online.
        package var sessions: [String: Bool] = [:]
        /// The contexts of sessions that the engine has rejected.
        package var rejected: Set<String> = []
        /// What is wrong with sessions, by context.
        package var problems: [String: String] = [:]
        /// Each tunnel that is to be open, and whether it is served: online, or on standby. Those that are
        /// ``SuccessorStateMachine/awaited`` suffice.
        package var tunnels: [String: Bool] = [:]

        package init() {}
    }

    package enum Action: Hashable, Sendable {
        case send(UpgradeMessage)
        /// This tunnel may be opened.
        case open(String)
        /// Tunnels that the predecessor does not have may be opened.
        case openOthers
        /// Report ``SuccessorStateMachine/deadlinePassed(_:)`` after this time, instead of an earlier one.
        case setDeadline(Duration)
        case cancelDeadline
        /// This program is the daemon now. `reloads`: the files may have changed since they were read.
        case serve(reloads: Bool)
        /// Tell the predecessor, unless it is the cause, and end.
        case fail(UpgradeFailure)
        /// Of a restart: everything is taken over although not everything is there.
        case insist(UpgradeFailure)
        /// Of a restart: the predecessor does not answer, and has to be gone before this process serves.
        case killPredecessor
        /// Of a restart: the service is stopped. The predecessor stops, and then this process.
        case stopPredecessor
    }

    /// Tunnels that are away at the same time.
    package static let window = 8

    package private(set) var state = State.connecting
    private let inventory: Inventory
    private let timeouts: Timeouts
    private let drainSeconds: Double
    private let isRestart: Bool
    /// Tunnels to ask for.
    private var queue: ArraySlice<String> = []
    /// Tunnels that were asked for and are not released.
    private var asked: Set<String> = []
    /// Tunnels that were released, and are to come online here.
    private var opening: Set<String> = []

    /// `drain` is how long the predecessor's streams may last; `isRestart` whether systemd has started this program.
    package init(_ inventory: Inventory, drain: Duration, isRestart: Bool = false, timeouts: Timeouts = Timeouts()) {
        self.inventory = inventory
        self.timeouts = timeouts
        self.isRestart = isRestart
        drainSeconds = drain.inSeconds
    }

    /// The tunnels that the next view is asked about: few of many but once, so that a take-over of all looks at each a few
    /// times.
    package var awaited: Set<String> {
        switch state {
        case .ready: inventory.tunnels
        case .takingOver: opening
        case .connecting, .clearing, .confirming, .serving, .failed: []
        }
    }

    package mutating func started(_ view: View) -> [Action] {
        [.setDeadline(timeouts.connecting)] + changed(view)
    }

    /// A session or a tunnel has changed.
    package mutating func changed(_ view: View) -> [Action] {
        switch state {
        case .connecting:
            let waiting = waiting(view)
            // The engine would say the same again.
            guard view.rejected.isDisjoint(with: waiting) else { return insist(Self.unreachable(waiting, view)) }
            guard waiting.isEmpty else { return [] }
            state = .ready
            return [.send(.ready), .setDeadline(timeouts.answer)]
        case .takingOver:
            let online = opening.filter { view.tunnels[$0] != false }
            guard !online.isEmpty else { return [] }
            opening.subtract(online)
            return goOn()
        case .ready, .clearing, .confirming, .serving, .failed: return []
        }
    }

    /// The sessions that are online at the predecessor and not here.
    private func waiting(_ view: View) -> [String] {
        view.sessions.filter { !$0.value && inventory.contexts.contains($0.key) }.keys.sorted()
    }

    private static func unreachable(_ contexts: [String], _ view: View) -> UpgradeFailure {
        let named = contexts.map { context in
            "context \(context)" + (view.problems[context].map { ": \($0)" } ?? "")
        }
        return UpgradeFailure("the new program cannot reach the engine of \(named.joined(separator: "; "))")
    }

    package mutating func received(_ message: UpgradeMessage, _ view: View) -> [Action] {
        switch (state, message) {
        case (.failed, _), (.serving, _): return []
        case (_, .abort(let reason)): return fail(UpgradeFailure(reason))
        case (.ready, .begin):
            let orphans = inventory.tunnels.filter { view.tunnels[$0] == nil }
            queue = inventory.tunnels.subtracting(orphans).sorted()[...]
            guard !orphans.isEmpty else { return takeOver() }
            state = .clearing
            asked = orphans
            return orphans.sorted().map { .send(.release(tunnel: $0)) } + [.setDeadline(timeouts.tunnel)]
        case (.clearing, .released(let tunnel)):
            guard asked.remove(tunnel) != nil else { return fail(Self.mistake) }
            return asked.isEmpty ? takeOver() : [.setDeadline(timeouts.tunnel)]
        case (.takingOver, .released(let tunnel)):
            guard asked.remove(tunnel) != nil else { return fail(Self.mistake) }
            // What was down there may stay down here.
            if inventory.online.contains(tunnel) { opening.insert(tunnel) }
            return [.open(tunnel)] + goOn()
        // What was on its way when this program insisted.
        case (.confirming, .begin) where isRestart, (.confirming, .released) where isRestart: return []
        case (.confirming, .committed(let reloads)):
            state = .serving
            return [.cancelDeadline, .serve(reloads: reloads)]
        default: return fail(Self.mistake)
        }
    }

    static let mistake = UpgradeFailure("the running daemon said something unexpected")
    static let loss = UpgradeFailure("the running daemon ended during the take-over")

    private mutating func takeOver() -> [Action] {
        state = .takingOver
        return [.openOthers] + goOn()
    }

    /// Asks for as many tunnels as the window has room for. When none is left, the predecessor is told.
    private mutating func goOn() -> [Action] {
        var actions: [Action] = []
        while asked.count + opening.count < Self.window, let tunnel = queue.popFirst() {
            asked.insert(tunnel)
            actions.append(.send(.release(tunnel: tunnel)))
        }
        guard asked.isEmpty, opening.isEmpty else { return actions + [.setDeadline(timeouts.tunnel)] }
        state = .confirming
        return actions + [.send(.done(drainSeconds: drainSeconds)), .setDeadline(timeouts.answer)]
    }

    /// The predecessor's end of the connection is closed.
    package mutating func ended() -> [Action] {
        switch state {
        case .serving, .failed: []
        case .connecting, .ready, .clearing, .takingOver, .confirming:
            isRestart ? serve() : fail(Self.loss)
        }
    }

    /// A record that is no message.
    package mutating func received(_ failure: UpgradeFailure) -> [Action] {
        state == .serving || state == .failed ? [] : fail(failure)
    }

    package mutating func deadlinePassed(_ view: View) -> [Action] {
        switch state {
        case .connecting:
            return insist(Self.unreachable(waiting(view), view))
        case .clearing, .takingOver:
            guard asked.isEmpty else {
                return insist(UpgradeFailure("the running daemon does not close tunnel \(asked.sorted()[0])"))
            }
            let names = opening.sorted().joined(separator: ", ")
            return insist(UpgradeFailure("the engine does not give the new program tunnel \(names)"))
        case .ready where isRestart, .confirming where isRestart: return [.killPredecessor] + serve()
        case .ready, .confirming: return fail(UpgradeFailure("the running daemon does not answer"))
        case .serving, .failed: return []
        }
    }

    /// The program is to stop before it has taken over.
    package mutating func stopRequested() -> [Action] {
        if isRestart, state != .serving, state != .failed {
            state = .failed
            return [.cancelDeadline, .stopPredecessor]
        }
        return state == .serving || state == .failed ? [] : fail(UpgradeFailure("the new program was asked to stop"))
    }

    private mutating func serve() -> [Action] {
        state = .serving
        return [.cancelDeadline, .serve(reloads: false)]
    }

    private mutating func insist(_ failure: UpgradeFailure) -> [Action] {
        guard isRestart else { return fail(failure) }
        state = .confirming
        return [.insist(failure), .send(.done(drainSeconds: drainSeconds)), .setDeadline(timeouts.answer)]
    }

    private mutating func fail(_ failure: UpgradeFailure) -> [Action] {
        state = .failed
        return [.cancelDeadline, .fail(failure)]
    }
}
