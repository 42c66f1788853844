// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemon
import RstreamModel

/// The connection between a process and the one that takes over from it: in order, with an end when one side is gone.
final class SimulatedLink {
    enum Side {
        case predecessor
        case successor

        var other: Side { self == .predecessor ? .successor : .predecessor }
    }

    /// What the predecessor tells first, in one piece.
    struct Inventory {
        var value = SuccessorStateMachine.Inventory()
        /// The host names that the engine chose, by tunnel.
        var chosen: [String: String] = [:]
        /// The ports of listening sockets.
        var ports: Set<Int> = []
        var process = 0
    }

    enum Parcel {
        case inventory(Inventory)
        case message(UpgradeMessage)
    }

    enum Event {
        case parcel(Parcel)
        case ended
    }

    private struct End {
        /// The process that has it; nil while systemd keeps it.
        var process: Int?
        var isOpen = true
        var receive: ((Event) -> Void)?
        /// What nobody has taken yet.
        var queue: [Event] = []
        var last = 0
    }

    private unowned let world: SimulatedWorld
    private var predecessor: End
    private var successor = End()

    init(_ process: Int, _ world: SimulatedWorld) {
        self.world = world
        predecessor = End(process: process)
    }

    private subscript(side: Side) -> End {
        get { side == .predecessor ? predecessor : successor }
        set { if side == .predecessor { predecessor = newValue } else { successor = newValue } }
    }

    /// A process has this end from now on.
    func attach(_ side: Side, to process: Int) { self[side].process = process }

    func receive(_ side: Side, _ receive: @escaping (Event) -> Void) {
        self[side].receive = receive
        let queue = self[side].queue
        self[side].queue = []
        for event in queue { receive(event) }
    }

    func send(_ parcel: Parcel, from side: Side) {
        guard self[side].isOpen else { return }
        deliver(.parcel(parcel), to: side.other)
    }

    func send(_ message: UpgradeMessage, from side: Side) { send(.message(message), from: side) }

    /// Closes one end; the other side learns of it after everything that was sent.
    func close(_ side: Side) {
        guard self[side].isOpen else { return }
        self[side].isOpen = false
        self[side].receive = nil
        deliver(.ended, to: side.other)
    }

    func processDied(_ process: Int) {
        if predecessor.process == process { close(.predecessor) }
        if successor.process == process { close(.successor) }
    }

    private func deliver(_ event: Event, to side: Side) {
        let time = max(self[side].last, world.now + Int.random(in: 0...2, using: &world.random))
        self[side].last = time
        world.enter(at: time, .world) { [self] in
            guard self[side].isOpen else { return }
            guard let process = self[side].process, let receive = self[side].receive else {
                return self[side].queue.append(event)
            }
            // A process that is suspended takes it afterwards.
            world.enter(at: world.now, .process(process)) { receive(event) }
        }
    }
}
