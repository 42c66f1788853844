// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamDaemon
import RstreamModel

/// The host of the simulated daemon: its files, its processes, and systemd, which starts them.
///
/// systemd ends the main process alone, as the unit has it: a process that was taken over from lives on.
final class SimulatedHost {
    enum ExitStatus {
        case done
        /// It could not take over.
        case failed
        /// Its files have errors; systemd does not start it again.
        case misconfigured
        case killed
    }

    private enum Job: Equatable {
        case stop(down: Int?)
        case restart
    }

    var files: SimulatedConfiguration
    private var removed: [SimulatedConfiguration.Tunnel] = []
    /// `reconnect.json`, by context.
    var schedules: [String: ReconnectSchedule] = [:]
    private(set) var processes: [Int: SimulatedProcess] = [:]
    private(set) var main: Int?
    private(set) var suspendedUntil: Int?
    /// How long the host was suspended, all in all, and when that was over.
    private(set) var slept = 0
    private(set) var resumedAt = 0
    /// When a process that serves, or is about to, last took the request for a reload; nil when it may have died with it.
    var reloadTakenAt: Int?
    /// Programs that have reached a private tunnel.
    var dialed = 0
    private unowned let world: SimulatedWorld
    private var lastProcess = 0
    private var job: Job?
    private var isFailed = false
    private var start: SimulatedTimer?
    private var crashDown = 100
    /// The end of a connection that a process has left with systemd.
    private var kept: SimulatedLink?
    private var links: [SimulatedLink] = []
    /// The processes that have a listening socket, and the one that accepts.
    private var sockets: [Int: Set<Int>] = [:]
    private var accepting: [Int: Int] = [:]

    init(_ world: SimulatedWorld) {
        self.world = world
        let plan = world.plan
        files = SimulatedConfiguration(
            contexts: plan.sessions,
            tunnels: plan.tunnels,
            services: plan.services,
            checks: plan.hasChecks
        )
        if plan.holds { for tunnel in files.tunnels.indices { edit(.hold(tunnel, milliseconds: 3_000)) } }
    }

    // MARK: Processes

    var alive: [SimulatedProcess] {
        processes.keys.sorted().compactMap { processes[$0] }.filter { $0.phase != .ended }
    }

    func isAlive(_ process: Int) -> Bool { processes[process].map { $0.phase != .ended } ?? false }

    var mainProcess: SimulatedProcess? { main.flatMap { processes[$0] } }

    func scheduleStart(after delay: Int) {
        start?.cancel()
        let timer = SimulatedTimer(due: world.now + delay)
        start = timer
        world.enter(after: delay, .world) { [self] in
            guard timer.isArmed else { return }
            timer.cancel()
            launch()
        }
    }

    /// systemd starts the program.
    private func launch() {
        let process = make()
        main = process.number
        if let link = kept {
            kept = nil
            world.note("systemd: starts process \(process.number), which takes over")
            return begin(process, SimulatedSuccession(link, isRestart: true))
        }
        world.note("systemd: starts process \(process.number)")
        process.phase = .serving
        if files.isBroken { return process.end(.misconfigured) }
        process.start(files)
    }

    /// A process starts the program beside itself.
    func startBeside(_ link: SimulatedLink) -> Int {
        links.append(link)
        let process = make()
        begin(process, SimulatedSuccession(link, isRestart: false))
        return process.number
    }

    private func make() -> SimulatedProcess {
        lastProcess += 1
        let process = SimulatedProcess(lastProcess, world)
        processes[lastProcess] = process
        return process
    }

    private func begin(_ process: SimulatedProcess, _ succession: SimulatedSuccession) {
        succession.link.attach(.successor, to: process.number)
        process.enter(after: Int.random(in: 20...200, using: &world.random)) { process.begin(after: succession) }
    }

    /// Another process is the service's main process now.
    func mainIs(_ process: Int) { if isAlive(process) { main = process } }

    /// A process that has taken over serves.
    func serves(_: Int) { job = nil }

    /// The main process leaves its place to the next one, and a connection.
    func left(_ process: Int, _ link: SimulatedLink) {
        links.append(link)
        kept?.close(.successor)
        kept = link
        if main == process { main = nil }
        if job == .restart { job = nil }
        guard start?.isArmed != true, main == nil else { return }
        scheduleStart(after: Int.random(in: 100...1_000, using: &world.random))
    }

    /// Whether systemd will start another process.
    var mayStart: Bool { main == nil && start?.isArmed == true }

    func ended(_ process: Int, _ status: ExitStatus) {
        world.note("process \(process) ended: \(status)")
        if status == .killed { reloadTakenAt = nil }
        world.network.processEnded(process)
        for link in links { link.processDied(process) }
        for port in sockets.keys { close(port, by: process) }
        guard process == main else { return }
        main = nil
        switch (job, status) {
        case (.stop(let down), _):
            job = nil
            if let down { scheduleStart(after: down) }
        case (_, .misconfigured):
            (job, isFailed) = (nil, true)
            kept?.close(.successor)
            kept = nil
        case (.restart, _), (nil, .done):
            job = nil
            scheduleStart(after: 100)
        case (nil, .failed): scheduleStart(after: 200)
        case (nil, .killed):
            scheduleStart(after: max(200, crashDown))
            crashDown = 100
        }
    }

    func kill(_ process: Int) {
        guard let victim = processes[process], victim.phase != .ended else { return }
        victim.end(.killed)
    }

    // MARK: Trouble

    func crash(newest: Bool, down: Int) {
        guard suspendedUntil == nil, let victim = newest ? alive.last : alive.first else { return }
        crashDown = down
        kill(victim.number)
    }

    func stop(down: Int?) {
        guard let process = mainProcess, job == nil || down == nil else { return }
        job = .stop(down: down)
        process.send(.stop)
    }

    func restart() {
        guard let process = mainProcess, job == nil else { return }
        job = .restart
        process.send(.upgrade(.restart))
    }

    func upgrade() { mainProcess?.send(.upgrade(.requested)) }

    func edit(_ edit: SimulatedConfiguration.Edit) {
        files.apply(edit, fresh: world.nextNumber(), removed: &removed)
    }

    /// Tells every process.
    func tell(_ request: SimulatedProcess.Request) { for process in alive { process.send(request) } }

    func suspend(until end: Int) {
        guard suspendedUntil == nil else { return }
        suspendedUntil = end
        slept += end - world.now
        world.enter(at: end, .world) { [self] in
            (suspendedUntil, resumedAt) = (nil, world.now)
            tell(.networkChanged)
        }
    }

    /// Nothing is wrong any more, and no limit is in the way.
    func heal() {
        files.isBroken = false
        for index in files.tunnels.indices { files.tunnels[index].wanted.local.streamLimit = 0 }
        mainProcess?.send(.reload)
        if isFailed || main == nil && start?.isArmed != true { scheduleStart(after: 100) }
        isFailed = false
    }

    // MARK: Listening sockets

    /// Whether the process listens at the port now, which nobody else may have bound.
    func bind(_ port: Int, by process: Int) -> Bool {
        guard sockets[port, default: []].subtracting([process]).isEmpty else { return false }
        if accepting[port] == process { world.complain("port \(port) was bound twice") }
        sockets[port, default: []].insert(process)
        accepting[port] = process
        return true
    }

    /// The process has a copy of the socket.
    func copy(_ port: Int, to process: Int) {
        if sockets[port]?.isEmpty == false { sockets[port]?.insert(process) }
    }

    func close(_ port: Int, by process: Int) {
        sockets[port]?.remove(process)
        if accepting[port] == process { accepting[port] = nil }
    }

    /// A program connects, and leaves after a while.
    func connect(to port: Int, leavingAfter time: Int) {
        guard let process = accepting[port].flatMap({ processes[$0] }) else { return }
        process.enter(after: 1) {
            let listener = process.listeners.values.first { $0.port == port && $0.isListening }
            listener?.accept(leavingAfter: time)
        }
    }

    // MARK: What must be true

    var isServing: Bool {
        guard suspendedUntil == nil, let process = mainProcess else { return false }
        return process.isServing && alive.allSatisfy { $0 === process || $0.phase == .retired }
    }

    /// After each step of a process.
    func check(_ number: Int) {
        guard suspendedUntil == nil, let process = processes[number], process.phase != .ended else { return }
        process.check()
    }

    var text: String {
        alive.map { "process \($0.number)\($0.number == main ? ", main" : ""): \($0.text)" }.joined(separator: "; ")
    }

    /// The processes and the world refer to each other.
    func clear() { for process in processes.values { process.clear() } }
}
