// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import RstreamWire

/// Connections between the daemon and the engine: in order and without loss, as TCP's are, and with everything else that
/// a network can do to them.
///
/// A black hole delays what is sent into it, because TCP sends it again. Who sends on a connection that the other side has
/// forgotten is answered with a reset.
final class SimulatedNetwork {
    enum Side {
        case daemon
        case engine

        var other: Side { self == .daemon ? .engine : .daemon }
    }

    enum Packet {
        case message(Message)
        /// The connection was closed in order.
        case end
        case reset
    }

    enum DialResult {
        case connected
        case refused
        case timedOut
    }

    private final class Link {
        /// Called with what arrives at the daemon.
        let receive: (Packet, Int) -> Void
        let process: Int
        var isOpenAtDaemon = true
        var isOpenAtEngine = false
        /// Set when the connection was reset in the middle: nothing is delivered on it any more.
        var cut: SimulatedPlan.Learning?
        var lastAtDaemon = 0
        var lastAtEngine = 0

        init(of process: Int, _ receive: @escaping (Packet, Int) -> Void) {
            (self.process, self.receive) = (process, receive)
        }

        func isOpen(at side: Side) -> Bool { side == .daemon ? isOpenAtDaemon : isOpenAtEngine }

        func shut(at side: Side) {
            if side == .daemon { isOpenAtDaemon = false } else { isOpenAtEngine = false }
        }
    }

    private unowned let world: SimulatedWorld
    /// By their numbers, from 1.
    private var links: [Link] = []
    /// Messages that were sent so far.
    private(set) var messages = 0
    /// Messages whose connections are reset instead.
    private var resets: [Int: SimulatedPlan.Learning] = [:]
    /// Until when nothing arrives.
    private var holeToEngine = 0
    private var holeToDaemon = 0
    private var slowness = 0

    init(_ world: SimulatedWorld) {
        self.world = world
    }

    // MARK: Trouble

    func blackHole(toEngine: Bool, until end: Int) {
        if toEngine { holeToEngine = max(holeToEngine, end) } else { holeToDaemon = max(holeToDaemon, end) }
    }

    func slow(by delay: Int) { slowness = delay }

    func reset(message: Int, _ learning: SimulatedPlan.Learning) { resets[messages + message] = learning }

    /// Nothing goes wrong any more.
    func heal() {
        (slowness, resets) = (0, [:])
    }

    /// The kernel closes what a process that has ended had open.
    func processEnded(_ process: Int) {
        for (index, link) in links.enumerated() where link.process == process && link.isOpenAtDaemon {
            close(index + 1, at: .daemon, .reset)
        }
    }

    /// The engine's process or its whole host has died; a host says nothing.
    func engineDied(isSilent: Bool) {
        for (index, link) in links.enumerated() where link.isOpenAtEngine {
            if isSilent { link.isOpenAtEngine = false } else { close(index + 1, at: .engine, .reset) }
        }
    }

    // MARK: Connections

    /// Dials the engine. Returns the connection, which the daemon may close at any time.
    func dial(
        timeout: Int,
        of dialer: SimulatedProcess,
        _ receive: @escaping (Packet, Int) -> Void,
        then report: @escaping (DialResult, Int) -> Void
    ) -> Int {
        let process = dialer.number
        let made = Link(of: process, receive)
        links.append(made)
        let link = links.count
        var isOver = false
        let finish = { (result: DialResult) in
            guard !isOver, made.isOpenAtDaemon else { return }
            isOver = true
            if result != .connected { self.close(link, at: .daemon, .reset) }
            report(result, link)
        }
        world.enter(after: timeout, .process(process)) { finish(.timedOut) }
        world.enter(at: arrival(link, at: .engine), .world) {
            guard self.world.engine.isUp else {
                guard !self.world.engine.isSilent else { return }
                let answered = self.arrival(link, at: .daemon)
                return self.world.enter(at: answered, .process(process)) { finish(.refused) }
            }
            // The process that has dialed it may be gone.
            guard made.isOpenAtDaemon else { return }
            made.isOpenAtEngine = true
            self.world.engine.accepted(link)
            self.world.enter(at: self.arrival(link, at: .daemon), .process(process)) { finish(.connected) }
        }
        return link
    }

    private subscript(link: Int) -> Link? { link > 0 && link <= links.count ? links[link - 1] : nil }

    func isOpen(_ link: Int, at side: Side) -> Bool { self[link]?.isOpen(at: side) ?? false }

    func send(_ message: Message, on link: Int, from side: Side) {
        guard let connection = self[link], connection.isOpen(at: side) else {
            if side == .daemon { world.complain("\(message.kind) was sent on a connection that is closed") }
            return
        }
        messages += 1
        world.note("\(side == .daemon ? "->" : "<-") \(Self.text(message)) on \(link)")
        if let cut = connection.cut {
            if cut != .neither { transmit(.reset, on: link, to: side) }
            return
        }
        guard let learning = resets.removeValue(forKey: messages) else {
            return transmit(.message(message), on: link, to: side.other)
        }
        world.note("connection \(link) is reset, \(learning) learns")
        connection.cut = learning
        if learning == .both || learning == .daemon { transmit(.reset, on: link, to: .daemon) }
        if learning == .both || learning == .engine { transmit(.reset, on: link, to: .engine) }
    }

    /// One side closes, in order or with a reset.
    func close(_ link: Int, at side: Side, _ packet: Packet) {
        guard let connection = self[link], connection.isOpen(at: side) else { return }
        connection.shut(at: side)
        guard let cut = connection.cut else { return transmit(packet, on: link, to: side.other) }
        if cut != .neither { transmit(.reset, on: link, to: side.other) }
    }

    private func transmit(_ packet: Packet, on link: Int, to side: Side) {
        let owner: Agenda.Owner = side == .daemon ? .process(self[link]?.process ?? 0) : .world
        world.enter(at: arrival(link, at: side), owner) { self.arrived(packet, on: link, at: side) }
    }

    private func arrived(_ packet: Packet, on link: Int, at side: Side) {
        guard let connection = self[link] else { return }
        guard connection.isOpen(at: side) else {
            guard case .message = packet, connection.isOpen(at: side.other) else { return }
            // A host that is gone says nothing.
            if side == .engine, !world.engine.isUp, world.engine.isSilent { return }
            return transmit(.reset, on: link, to: side.other)
        }
        switch packet {
        case .message: break
        case .end, .reset: connection.shut(at: side)
        }
        switch side {
        case .daemon: connection.receive(packet, link)
        case .engine:
            switch packet {
            case .message(let message): world.engine.received(message, on: link)
            case .end, .reset: world.engine.lost(link)
            }
        }
    }

    /// When something that is sent now arrives: never before what was sent before it.
    private func arrival(_ link: Int, at side: Side) -> Int {
        let delay = Int.random(in: 1...40, using: &world.random) + slowness
        let hole = side == .daemon ? holeToDaemon : holeToEngine
        let soonest = world.now < hole ? hole + delay : world.now + delay
        guard let connection = self[link] else { return soonest }
        let before = side == .daemon ? connection.lastAtDaemon : connection.lastAtEngine
        let time = max(soonest, before)
        if side == .daemon { connection.lastAtDaemon = time } else { connection.lastAtEngine = time }
        return time
    }

    private static func text(_ message: Message) -> String {
        switch message {
        case .proxyConnectionRequest(let request): "\(message.kind) \(request.streamID) of \(request.tunnelID)"
        case .proxyConnectionResponse(let response):
            "\(message.kind) \(response.streamID) \(response.error.map { "\($0)" } ?? "ok")"
        case .closeTunnelRequest(let tunnelID), .closeTunnelResponse(let tunnelID): "\(message.kind) \(tunnelID)"
        case .openTunnelRequest(let request): "\(message.kind) \(request.properties.hostname ?? "")"
        case .openTunnelResponse(let response):
            switch response.outcome {
            case .granted(let properties): "\(message.kind) \(properties.id ?? "")"
            case .error(let error): "\(message.kind) \(error)"
            case .empty, .unusable: message.kind
            }
        default: message.kind
        }
    }
}
