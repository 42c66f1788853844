// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamConfig
internal import RstreamModel
internal import RstreamSocket
internal import Synchronization

/// Handing the sockets of the admin API over to a successor, and taking them over from a predecessor.
extension AdminListeners {
    /// Listeners that are opened from now on take the sockets of a predecessor, where it has one at their address.
    func inherit(_ sockets: SocketInheritance) async {
        let reservations = await BlockingThreads.sockets.run { [reserved] in sockets.reserveAdminSockets(in: reserved) }
        state.withLock { state in
            state.predecessors = reservations
            state.handedOver = sockets
            state.isGivenUp = true
            if sockets.hasSystemd { state.isInherited = true }
        }
    }

    /// The predecessor has given its sockets up.
    func takeOver() { state.withLock { $0.isGivenUp = false } }

    /// Nothing of the predecessor's sockets is left that is not open here.
    func forgetPredecessor() { state.withLock { $0.predecessors = [] } }

    /// Answers the clients that have connected to an admin socket of the predecessor that is not configured any more, as
    /// those of one that a reload closes.
    func retireRest(of sockets: SocketInheritance) async {
        guard let router = state.withLock(\.router), let inherited = await sockets.takeRest(.admin) else { return }
        // Who could connect was for another configuration to say.
        let rights = rules.rights(onSocketOpenToAll: true)
        let listener = try? await listen(at: .handedOver(inherited, host: nil), rights: rights) { request in
            await router.answer(request)
        }
        guard let listener else {
            _ = await BlockingThreads.sockets.run { inherited.file?.remove() }
            return
        }
        serve(listener)
        await listener.retire()
    }

    /// Throws what opening would throw, as far as it does not concern the predecessor's sockets, which are there.
    func checkBeforeHandOver(_ configuration: DaemonConfiguration) async throws(RstreamError) {
        let (inherited, isSystemds) = state.withLock { ($0.handedOver, $0.isInherited) }
        guard !isSystemds, inherited?.contains(.admin, configuration.admin.socket) != true else { return }
        var wanted = configuration
        // One that is not available is tried again.
        for port in AdminPort.allCases { port.set(nil, in: &wanted) }
        try await check(wanted)
    }

    /// What a successor gets: each socket with copies of its descriptors, which belong to the caller.
    func copySockets() async -> [(label: SocketLabel, descriptors: [CInt])] {
        let (open, systemd) = state.withLock { ($0.open, $0.systemd) }
        var sockets: [(label: SocketLabel, descriptors: [CInt])] = []
        if let admin = open.admin {
            let label = SocketLabel(.admin, admin.settings.socket, admin.listener.file?.identity)
            sockets.append((label, await admin.listener.copySockets()))
        }
        for (index, listener) in systemd.enumerated() {
            sockets.append((SocketLabel(.systemd, "\(index)", nil), await listener.copySockets()))
        }
        for port in AdminPort.allCases {
            guard let (address, listener) = open.ports[port].map({ ($0.address, $0.listener) }) else { continue }
            let label = SocketLabel(port.role, address.description, listener.file?.identity)
            sockets.append((label, await listener.copySockets()))
        }
        return sockets.filter { !$0.descriptors.isEmpty }
    }

    /// Stops accepting; the sockets and their files are a successor's from now on. Clients of the admin socket that are
    /// connected stay. Those of a port connect again: a browser or a monitoring system keeps its connection for the
    /// next question, which is the successor's to answer.
    func handOver() async {
        let (served, ports) = state.withLock { state in
            state.isGivenUp = true
            return (Array(state.served.values), state.open.ports.values.map(\.listener))
        }
        for listener in served { await listener.handOver() }
        for listener in ports { listener.endClients() }
    }
}

extension SocketLabel {
    init(_ role: Role, _ address: String, _ file: FileStatus.Identity?) {
        self.init(
            role: role,
            address: address,
            file: file.map { File(device: UInt64($0.device), node: UInt64($0.node)) }
        )
    }
}
