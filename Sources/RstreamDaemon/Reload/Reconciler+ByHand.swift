// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import RstreamConfig
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay

/// The tunnels that users open by hand, beside those of the files.
extension Reconciler {
    /// Opens a tunnel beside those that run, or says why not.
    mutating func open(_ request: TunnelRequest, in group: inout DiscardingTaskGroup) async -> TunnelOpening {
        let peer = request.peer
        if let refusal = running.tunnelsByHand.decisions.refusal(user: peer.user, isTrusted: peer.isTrusted) {
            return .full(refusal)
        }
        let owner = TunnelDefinition.ByHand(
            user: peer.user,
            process: peer.process,
            isDetached: request.connection == nil,
            endsAt: request.lasts.map { UTCTime.now.advanced(by: $0) }
        )
        // A user gets no more than their own rights.
        let result = await dependencies.loader.read(
            request.entry,
            user: peer.isTrusted ? nil : peer.user,
            of: owner,
            beside: running.configuration
        )
        let read: ReloadLoader.ReadTunnel
        switch result {
        case .success(let tunnel): read = tunnel
        case .failure(let error): return .refused(error.diagnostics)
        case nil: return .refused([Diagnostic(file: TunnelByHand.place, message: "the daemon is stopping")])
        }
        let tunnel = read.definition
        running.tunnelsByHand.decisions.opened(
            TunnelsByHand.Entry(
                name: tunnel.name,
                user: peer.user,
                owner: request.connection.map(TunnelsByHand.Owner.connection) ?? .detached,
                endsAt: request.lasts.map { ContinuousClock.now.advanced(by: $0) }
            )
        )
        running.tunnelsByHand.entries[tunnel.name] = (read.entry, owner)
        running.openedByHand(tunnel.name)
        var next = running.configuration
        next.tunnels.append(tunnel)
        await carryOut(running.plans(next), of: next, in: &group)
        await followByHand()
        dependencies.logger.notice(
            "tunnel opened by hand",
            metadata: [
                LogKey.tunnel: "\(tunnel.name)", "forward": "\(tunnel.targets.summary)",
                "peer_uid": .stringConvertible(peer.user), "peer_pid": .stringConvertible(peer.process),
            ]
        )
        return .opened(tunnel.name, read.warnings)
    }

    /// Closes a tunnel that was opened by hand.
    mutating func close(_ name: String, in group: inout DiscardingTaskGroup) async -> TunnelClosing {
        guard let tunnel = running.configuration.tunnels.first(where: { $0.name == name }) else { return .unknown }
        guard tunnel.byHand != nil else { return .ofFiles("\(tunnel.mark)") }
        await end(running.tunnelsByHand.decisions.closed(name), in: &group)
        return .closed
    }

    /// Gives a tunnel by hand whose connection has ended with the process before this one to another connection of its
    /// user.
    mutating func claim(_ claim: TunnelClaim, in group: inout DiscardingTaskGroup) async -> TunnelClaiming {
        let peer = claim.peer
        var next = running.configuration
        guard let index = next.tunnels.firstIndex(where: { $0.name == claim.tunnel }) else { return .unknown }
        guard let before = next.tunnels[index].byHand else { return .ofFiles("\(next.tunnels[index].mark)") }
        let refusal = running.tunnelsByHand.decisions.claim(
            claim.tunnel,
            user: peer.user,
            isTrusted: peer.isTrusted,
            connection: claim.connection
        )
        if let refusal { return .refused(refusal) }
        // The rights and the limits stay those of the user who has opened it.
        let owner = TunnelDefinition.ByHand(
            user: before.user,
            process: peer.process,
            isDetached: false,
            endsAt: before.endsAt
        )
        running.tunnelsByHand.entries[claim.tunnel]?.owner = owner
        next.tunnels[index].byHand = owner
        await carryOut(running.plans(next), of: next, in: &group)
        setTimer()
        return .claimed
    }

    mutating func connectionEnded(_ connection: ClientConnection, in group: inout DiscardingTaskGroup) async {
        await end(running.tunnelsByHand.decisions.connectionEnded(connection), in: &group)
    }

    mutating func timePassed(in group: inout DiscardingTaskGroup) async {
        await end(running.tunnelsByHand.decisions.timePassed(now: .now), in: &group)
        setTimer()
    }

    /// A tunnel that was opened by hand as a tunnel file; nil when there is none of that name.
    func tunnelFile(_ name: String) -> String? { running.tunnelsByHand.entries[name]?.entry.text }

    /// Removes tunnels whose end was decided.
    private mutating func end(_ ends: [TunnelsByHand.End], in group: inout DiscardingTaskGroup) async {
        guard !ends.isEmpty else { return }
        let names = Set(ends.map(\.name))
        var next = running.configuration
        next.tunnels.removeAll { $0.byHand != nil && names.contains($0.name) }
        await carryOut(running.plans(next), of: next, in: &group)
        forget(ends)
        await followByHand()
    }

    // MARK: Reloads

    /// A configuration of the files with the tunnels by hand that go on, and the ends of those that do not.
    func withTunnelsByHand(
        _ files: DaemonConfiguration
    ) -> (configuration: DaemonConfiguration, ends: [TunnelsByHand.End]) {
        var (configuration, lost): (DaemonConfiguration, Set<String>) = (files, [])
        for entry in running.tunnelsByHand.decisions.entries {
            guard let (text, owner) = running.tunnelsByHand.entries[entry.name] else { continue }
            do throws(ConfigurationError) {
                configuration.tunnels.append(try text.definition(in: files, of: owner))
            } catch {
                lost.insert(entry.name)
            }
        }
        return (configuration, running.tunnelsByHand.decisions.ends(taken: Set(files.tunnels.map(\.name)), lost: lost))
    }

    /// These tunnels have ended, by a reload that was carried out too.
    mutating func forget(_ ends: [TunnelsByHand.End]) {
        running.tunnelsByHand.remove(ends)
        log(ends)
    }

    private func log(_ ends: [TunnelsByHand.End]) {
        for end in ends {
            dependencies.logger.notice(
                "tunnel by hand ended",
                metadata: [LogKey.tunnel: "\(end.name)", "reason": "\(end.why.rawValue)"]
            )
        }
    }

    // MARK: A take-over

    /// The first configuration of this process: that of the files, with the tunnels by hand of the process before it
    /// that go on.
    mutating func withAdoptedTunnels(_ files: DaemonConfiguration) async -> DaemonConfiguration {
        let handedOver = running.dependencies.succession?.tunnelsByHand ?? []
        guard !handedOver.isEmpty else { return files }
        // More than there may be are not even read.
        let first = handedOver.prefix(TunnelsByHand.most)
        let entries = await dependencies.loader.read(first.map(\.byHand))
        for (tunnel, entry) in zip(first, entries) { running.tunnelsByHand.adopt(tunnel, entry) }
        for tunnel in handedOver.dropFirst(first.count) { running.tunnelsByHand.adopt(tunnel, nil) }
        let (configuration, ends) = withTunnelsByHand(files)
        running.tunnelsByHand.leave(ends)
        return configuration
    }

    /// This process is the daemon now: users may claim their tunnels.
    mutating func takenOver() {
        log(running.tunnelsByHand.takenOver(now: .now))
        setTimer()
    }

    // MARK: What follows a change

    /// Their credentials may be in files that no tunnel of the files needs, and their upstreams may be checked.
    private func followByHand() async {
        setTimer()
        shareDescriptors(running.configuration)
        await dependencies.credentials.follow(running.configuration)
    }

    private func setTimer() {
        guard let next = running.tunnelsByHand.decisions.nextEnd else { return running.tunnelsByHand.timer.cancel() }
        running.tunnelsByHand.timer.set(max(.zero, ContinuousClock.now.duration(to: next)), dependencies.timePassed)
    }
}
