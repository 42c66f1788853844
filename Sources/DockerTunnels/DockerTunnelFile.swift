// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamConfig
internal import RstreamModel

/// The tunnel file of a listing, and what is left out of it.
///
/// The same containers make the same bytes, in whatever order the API lists them. Each tunnel is read as the daemon reads
/// it before anyone else does: what the daemon would refuse is left out, so that one container does not keep the others
/// from being served.
package struct DockerTunnelFile: Sendable {
    /// More tunnels than one daemon serves containers.
    private static let mostTunnels = 1_000
    /// The weight of labels; written with escapes they stay below what a tunnel file may have.
    private static let heaviest = 512 * 1_024
    /// The weight of the labels of one container.
    private static let heaviestContainer = Container.longestLabels

    private static let heading = [
        "Written by rstreamd-docker from the labels of containers, and written again when they change."
    ]

    /// The whole file.
    package let text: String
    /// How many tunnels are in it.
    package let tunnelCount: Int
    /// Tunnels that are left out, and containers that cannot be read.
    package let complaints: [Complaint]

    /// The file for the containers that run.
    package init(_ listing: ContainerListing, _ options: TunnelOptions = TunnelOptions()) {
        var collection = Collection(options: options)
        for container in listing.containers { collection.add(container) }
        if listing.unreadable > 0 {
            collection.complain(nil, nil, "containers that cannot be read, and have no tunnels: \(listing.unreadable)")
        }
        if listing.tooLong > 0 {
            let limit = "\(ContainerListReader.longestEntry) bytes in the list of containers"
            let reason = "containers that take more than \(limit) and have no tunnels: \(listing.tooLong)"
            collection.complain(nil, nil, "\(reason); give them shorter labels")
        }
        text = TunnelFile(collection.tunnels.map(\.entry), heading: Self.heading).text
        tunnelCount = collection.tunnels.count
        complaints = collection.complaints
    }

    /// The tunnels so far.
    private struct Collection {
        let options: TunnelOptions
        private(set) var tunnels: [ContainerTunnel] = []
        private(set) var complaints: [Complaint] = []
        /// Which container has a name.
        private var names: [String: String] = [:]
        private var weight = 0

        init(options: TunnelOptions) {
            self.options = options
        }

        mutating func complain(_ container: String?, _ label: String?, _ reason: String) {
            complaints.append(Complaint(container: container, label: label, reason: reason))
        }

        mutating func add(_ container: Container) {
            let all = TunnelLabels.all(of: container)
            let weight = all.reduce(0) { $0 + $1.weight }
            guard !container.hasLongLabels, weight <= heaviestContainer else {
                complain(container.name, nil, "its labels are too long; its tunnels are left out")
                return
            }
            guard !all.isEmpty else { return }
            guard weight <= heaviest - self.weight else {
                complain(container.name, nil, "all labels together are too long; its tunnels are left out")
                return
            }
            self.weight += weight
            let named = container.labels.first { $0.key.sameBytes(as: LabelKey.context) }?.value.trimmed
            if let named, !options.labelContexts.contains(where: named.sameBytes) {
                let reason = "\(named.shortened.quotedJSON) is no context that --allow-context lets labels name"
                complain(container.name, LabelKey.context, "\(reason); its tunnels are left out")
                return
            }
            for labels in all {
                do throws(LabelMistake) {
                    try take(ContainerTunnel(labels, of: container, context: named ?? options.context, options))
                } catch {
                    let place = error.label == nil ? "tunnel \(labels.name.shortened.quotedJSON): " : ""
                    complain(container.name, error.label, "\(place)\(error.reason); the tunnel is left out")
                }
            }
        }

        private mutating func take(_ tunnel: ContainerTunnel) throws(LabelMistake) {
            if let owner = names[tunnel.name] {
                let isOwn = owner.sameBytes(as: tunnel.container)
                let other = isOwn ? "another one of the container" : "container \(owner.shortened.quotedJSON)"
                let reason = "the name \(tunnel.name.shortened.quotedJSON) is taken by \(other)"
                throw LabelMistake(label: nil, reason: reason)
            }
            guard tunnels.count < mostTunnels else {
                throw LabelMistake(label: nil, reason: "there are \(mostTunnels) tunnels already")
            }
            let mistakes = TunnelFile.mistakes(in: tunnel.entry)
            // In front of those with a place may be that there are more than are told.
            if let mistake = mistakes.first(where: { !$0.path.isEmpty }) ?? mistakes.first {
                throw LabelMistake(mistake, of: tunnel)
            }
            names[tunnel.name] = tunnel.container
            tunnels.append(tunnel)
        }
    }
}

extension LabelMistake {
    /// What the daemon would refuse about a tunnel, by the label that it comes from.
    fileprivate init(_ mistake: TunnelFile.Mistake, of tunnel: ContainerTunnel) {
        let hint = mistake.hint.map { " (\($0))" } ?? ""
        // As the reader of tunnel files names it; the container and the label do so here.
        let start = "tunnel \"\(tunnel.name.shortened)\": "
        let message =
            mistake.message.startsWithBytes(of: start)
            ? String(decoding: mistake.message.utf8.dropFirst(start.utf8.count), as: UTF8.self)
            : mistake.message
        self.init(label: tunnel.label(at: mistake.path), reason: "\(message)\(hint)")
    }
}
