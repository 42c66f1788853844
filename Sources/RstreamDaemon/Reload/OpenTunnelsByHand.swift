// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamConfig
internal import RstreamDaemonModel
internal import RstreamModel

/// The tunnels by hand that run: what the decisions of ``TunnelsByHand`` are about.
struct OpenTunnelsByHand {
    var decisions = TunnelsByHand()
    /// The entries by name.
    var entries: [String: (entry: TunnelByHand, owner: TunnelDefinition.ByHand)] = [:]
    /// Those of the process before this one that do not go on here. They are told once this process is the daemon:
    /// where it does not become that, they go on.
    private(set) var notAdopted: [TunnelsByHand.End] = []
    /// Fires when the next one's time is over.
    let timer = DelayedCall()

    /// Goes on with one of the process before this one; nil in the place of an entry that cannot be read.
    mutating func adopt(_ tunnel: UpgradeMessage.Tunnel, _ entry: TunnelByHand?) {
        guard let byHand = tunnel.byHand, let entry, entry.name.sameBytes(as: tunnel.name) else {
            notAdopted.append(TunnelsByHand.End(name: tunnel.name, why: .notHandedOver))
            return
        }
        let owner = TunnelDefinition.ByHand(byHand)
        let left = owner.endsAt.map { min(max(UTCTime.now.duration(to: $0), .zero), .longestConfigured) }
        let ending = decisions.adopted(
            TunnelsByHand.Entry(
                name: entry.name,
                user: owner.user,
                owner: owner.isDetached ? .detached : .awaited(until: nil),
                endsAt: left.map { ContinuousClock.now.advanced(by: $0) }
            ),
            isTrusted: Peer.isTrusted(user: owner.user)
        )
        if let ending {
            notAdopted.append(TunnelsByHand.End(name: entry.name, why: ending))
        } else {
            entries[entry.name] = (entry, owner)
        }
    }

    /// These do not go on in the first configuration of this process.
    mutating func leave(_ ends: [TunnelsByHand.End]) {
        notAdopted += ends
        remove(ends)
    }

    mutating func remove(_ ends: [TunnelsByHand.End]) {
        decisions.ended(ends)
        for end in ends { entries[end.name] = nil }
    }

    /// This process is the daemon now. Returns the ends that are to be told.
    mutating func takenOver(now: ContinuousClock.Instant) -> [TunnelsByHand.End] {
        decisions.takenOver(now: now)
        defer { notAdopted = [] }
        return notAdopted
    }
}

extension UpgradeMessage.ByHand {
    init(_ entry: TunnelByHand, _ owner: TunnelDefinition.ByHand) {
        self.init(
            file: entry.text,
            user: owner.user,
            process: owner.process,
            isDetached: owner.isDetached,
            until: owner.endsAt?.milliseconds
        )
    }

    /// Whose rights its entry is read with: nil for a user with all rights.
    var rights: UInt32? { Peer.isTrusted(user: user) ? nil : user }
}

extension TunnelDefinition.ByHand {
    init(_ message: UpgradeMessage.ByHand) {
        self.init(
            user: message.user,
            process: message.process,
            isDetached: message.isDetached,
            endsAt: message.until.map { UTCTime(milliseconds: $0) }
        )
    }
}
