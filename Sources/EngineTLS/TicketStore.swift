// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// For whom a ticket is good. The client's certificate and what it trusts are those of the context that keeps the
/// tickets.
package struct TicketKey: Hashable, Sendable {
    /// The address of the engine.
    let engine: String
    /// The name that its certificate must have.
    let name: String

    package init(engine: String, name: String) {
        (self.engine, self.name) = (engine, name)
    }
}

/// Tickets, with which a later connection to the same engine is a resumption: without certificates and signatures.
///
/// A ticket is used once (RFC 8446 §C.4): it would tell an observer that two connections are of one client.
/// Pure: time, in seconds since 1970, is an argument.
package struct TicketStore<Ticket> {
    /// How long after the verification of the certificates connections may be resumed, in seconds. Later ones verify them
    /// again.
    package static var longestAge: Int64 { 3_600 }
    /// Engines, with those that it redirects to.
    package static var mostKeys: Int { 8 }
    /// Connections that are started at once, as many as streams are opened at once unless configured. An engine sends
    /// one or two tickets on each.
    package static var mostPerKey: Int { 64 }

    /// The tickets for each key, the newest at the end.
    // Changed in place: a copy of a list costs more than all else that is done here, under the lock of all connections.
    private var entries: [TicketKey: [(ticket: Ticket, end: Int64)]] = [:]
    /// The keys of `entries`, the one that was used last at the end.
    private var order: [TicketKey] = []

    package init() {}

    package var count: Int { entries.values.reduce(0) { $0 + $1.count } }

    /// Keeps a ticket that may be used before `end`.
    package mutating func keep(_ ticket: Ticket, for key: TicketKey, until end: Int64, now: Int64) {
        guard now < end else { return }
        touch(key)
        if let count = entries[key]?.count, count >= Self.mostPerKey { entries[key]?.removeFirst() }
        entries[key, default: []].append((ticket, end))
        if order.count > Self.mostKeys { entries[order.removeFirst()] = nil }
    }

    /// Takes the newest ticket out.
    package mutating func take(for key: TicketKey, now: Int64) -> Ticket? {
        entries[key]?.removeAll { $0.end <= now }
        guard let newest = entries[key]?.popLast() else {
            forget(key)
            return nil
        }
        touch(key)
        return newest.ticket
    }

    /// Drops the tickets for an engine with which TLS failed.
    package mutating func forget(_ key: TicketKey) {
        entries[key] = nil
        order.removeAll { $0 == key }
    }

    private mutating func touch(_ key: TicketKey) {
        guard order.last != key else { return }
        order.removeAll { $0 == key }
        order.append(key)
    }
}
