// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Counts the clients of a listener against its limit, some of which is reserved for trusted clients, and the event
/// readers among them, which stay connected, against a smaller one.
///
/// Clients with fewer rights get fewer places, so that they cannot lock out those with more.
struct ClientSlots: Equatable {
    /// The limit of concurrent clients.
    private(set) var limit: Int
    /// Slots that only root and the daemon's own user get.
    var reserved: Int { reservesSlots ? limit / 8 : 0 }
    /// The limit of concurrent event readers.
    var readerLimit: Int { max(1, limit / 2) }
    /// Reader slots that only root and the daemon's own user get.
    var reservedForReaders: Int { reservesSlots ? readerLimit / 8 : 0 }
    private let reservesSlots: Bool
    private var clients: [AdminRights: Int] = [:]
    private var readers: [AdminRights: Int] = [:]

    /// `reservesSlots` where the kernel reports a client's user.
    init(limit: Int, reservesSlots: Bool) {
        self.limit = limit
        self.reservesSlots = reservesSlots
    }

    /// Clients beyond a lower limit stay.
    mutating func setLimit(_ limit: Int) { self.limit = limit }

    var isEmpty: Bool { clients.values.allSatisfy { $0 == 0 } }

    /// Whether another client is admitted, which has to ``leave(_:)``.
    mutating func enter(_ rights: AdminRights) -> Bool {
        guard Self.mayEnter(rights, clients, of: limit, reserved: reserved) else { return false }
        clients[rights, default: 0] += 1
        return true
    }

    mutating func leave(_ rights: AdminRights) { clients[rights, default: 0] -= 1 }

    /// Whether one of the clients may read events, which has to ``stopReading(_:)``.
    mutating func startReading(_ rights: AdminRights) -> Bool {
        guard Self.mayEnter(rights, readers, of: readerLimit, reserved: reservedForReaders) else { return false }
        readers[rights, default: 0] += 1
        return true
    }

    mutating func stopReading(_ rights: AdminRights) { readers[rights, default: 0] -= 1 }

    private static func mayEnter(
        _ rights: AdminRights,
        _ taken: [AdminRights: Int],
        of limit: Int,
        reserved: Int
    ) -> Bool {
        let common = limit - reserved
        let (all, own) = (taken.values.reduce(0, +), taken[rights, default: 0])
        return switch rights {
        case .owner: all < limit
        case .change: all < common
        case .read: all < common && own < max(1, common / 2)
        // They get one answer each.
        case .none: all < common && own < max(1, common / 8)
        }
    }
}

/// One connection's access to the reader slots of its listener.
struct EventSlots: Sendable {
    /// Whether a slot was free; a slot that was taken has to be released.
    let take: @Sendable () -> Bool
    let release: @Sendable () -> Void
}
