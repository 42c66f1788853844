// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// One service that a tunnel's streams may go to: the `forward` of a tunnel file, or an entry of its `upstreams`
/// (contract §3.3).
package struct UpstreamTarget: Hashable, Sendable {
    /// The most services that a tunnel has.
    package static let most = 64
    /// The range of ``weight``.
    package static let weights = 1...256

    package var address: UpstreamAddress
    /// How many streams it gets in proportion to the others, 1 to 256.
    package var weight: Int
    /// Whether it gets streams only while no other can be used.
    package var isBackup: Bool
    /// The port of a service name, looked up when the configuration was read; nil if the port is a number.
    package var servicePort: Int?

    package init(_ address: UpstreamAddress, weight: Int = 1, isBackup: Bool = false, servicePort: Int? = nil) {
        self.address = address
        self.weight = weight
        self.isBackup = isBackup
        self.servicePort = servicePort
    }
}

extension [UpstreamTarget] {
    /// The one service of a tunnel that `forward` can describe; nil where it takes a list.
    package var single: UpstreamTarget? {
        guard count == 1, let target = first, target.weight == 1, !target.isBackup else { return nil }
        return target
    }

    /// All addresses, as one line of text.
    package var summary: String { map(\.address.description).joined(separator: ", ") }
}

/// How a stream's service is chosen among those that can be used: `upstream.balance`.
package enum UpstreamBalance: String, Hashable, Sendable, CaseIterable {
    /// In turn, by weight.
    case roundRobin
    /// The one with the fewest open streams for its weight.
    case leastStreams
    /// By the visitor's address, so that a visitor stays with its service as long as that can be used.
    case source
}
