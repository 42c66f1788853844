// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Counts the clients of a listener against its limit, some of which is reserved for trusted clients, and the event
/// readers among them, which stay connected, against a smaller one.
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
    private var clients = 0
    private var readers = 0

    /// `reservesSlots` where the kernel reports a client's user.
    init(limit: Int, reservesSlots: Bool) {
        self.limit = limit
        self.reservesSlots = reservesSlots
    }

    /// Clients beyond a lower limit stay.
    mutating func setLimit(_ limit: Int) { self.limit = limit }

    var isEmpty: Bool { clients == 0 }

    /// Whether another client is admitted, which has to ``leave()``.
    mutating func enter(isTrusted: Bool) -> Bool {
        guard clients < (isTrusted ? limit : limit - reserved) else { return false }
        clients += 1
        return true
    }

    mutating func leave() { clients -= 1 }

    /// Whether one of the clients may read events, which has to ``stopReading()``.
    mutating func startReading(isTrusted: Bool) -> Bool {
        guard readers < (isTrusted ? readerLimit : readerLimit - reservedForReaders) else { return false }
        readers += 1
        return true
    }

    mutating func stopReading() { readers -= 1 }
}

/// One connection's access to the reader slots of its listener.
struct EventSlots: Sendable {
    /// Whether a slot was free; a slot that was taken has to be released.
    let take: @Sendable () -> Bool
    let release: @Sendable () -> Void
}
