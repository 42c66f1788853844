// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// A container of Docker's or Podman's API, as far as its labels may ask for tunnels.
package struct Container: Hashable, Sendable {
    /// A label with the bytes that it has.
    package struct Label: Hashable, Sendable {
        package let key: String
        package let value: String

        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// The container's place in a network.
    package struct Network: Hashable, Sendable {
        package let name: String
        /// Literals, the one of IPv4 first.
        package let addresses: [String]

        package init(name: String, addresses: [String]) {
            self.name = name
            self.addresses = addresses
        }
    }

    /// Bytes of its labels that are ours, with their keys: none takes the room of all others.
    static let longestLabels = 32 * 1_024

    /// The 64 digits that no other container has.
    package let id: String
    /// The name that people gave it (RUN.md §7).
    package let name: String
    /// When it was made: seconds since 1970.
    package let created: Int64
    /// Those that are ours, in the order of the keys; none where they are too long.
    package let labels: [Label]
    /// Whether there are more bytes of them than ``longestLabels``.
    package let hasLongLabels: Bool
    /// In the order of the names.
    package let networks: [Network]

    package init(id: String, names: [String], created: Int64, labels: [Label], networks: [Network]) {
        self.id = id
        self.created = created
        let ours = labels.filter { LabelKey.isOurs($0.key) }
        hasLongLabels = ours.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count } > Self.longestLabels
        self.labels = hasLongLabels ? [] : ours.sorted { ByteKey($0.key) < ByteKey($1.key) }
        self.networks = networks.sorted { ByteKey($0.name) < ByteKey($1.name) }
        let own = names.map { name in
            name.startsWithBytes(of: "/") ? String(decoding: name.utf8.dropFirst(), as: UTF8.self) : name
        }
        // Links of other containers are names with two parts.
        let named = own.first { !$0.isEmpty && !$0.contains(byte: "/") } ?? own.first { !$0.isEmpty }
        let short = String(decoding: id.utf8.prefix(12), as: UTF8.self)
        name = named ?? (short.isEmpty ? "unknown" : short)
    }

    /// About what it takes of the memory.
    var size: Int {
        let labels = labels.reduce(0) { $0 + 64 + $1.key.utf8.count + $1.value.utf8.count }
        let networks = networks.reduce(0) { sum, network in
            network.addresses.reduce(sum + 64 + network.name.utf8.count) { $0 + 32 + $1.utf8.count }
        }
        return 256 + id.utf8.count + name.utf8.count + labels + networks
    }
}
