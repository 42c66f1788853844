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
    /// Connections that are started at once. An engine sends one or two tickets on each.
    package static var mostPerKey: Int { 32 }

    private struct Entry {
        let ticket: Ticket
        let end: Int64
    }

    private var entries: [TicketKey: [Entry]] = [:]
    /// The keys of `entries`, the one that was used last at the end.
    private var order: [TicketKey] = []

    package init() {}

    package var count: Int { entries.values.reduce(0) { $0 + $1.count } }

    /// Keeps a ticket that may be used before `end`.
    package mutating func keep(_ ticket: Ticket, for key: TicketKey, until end: Int64, now: Int64) {
        guard now < end else { return }
        touch(key)
        var kept = entries[key, default: []]
        if kept.count >= Self.mostPerKey { kept.removeFirst() }
        kept.append(Entry(ticket: ticket, end: end))
        entries[key] = kept
        if order.count > Self.mostKeys { entries[order.removeFirst()] = nil }
    }

    /// Takes the newest ticket out.
    package mutating func take(for key: TicketKey, now: Int64) -> Ticket? {
        guard var kept = entries[key] else { return nil }
        kept.removeAll { $0.end <= now }
        let newest = kept.popLast()
        guard newest != nil else {
            forget(key)
            return nil
        }
        touch(key)
        entries[key] = kept
        return newest?.ticket
    }

    /// Drops the tickets for an engine with which TLS failed.
    package mutating func forget(_ key: TicketKey) {
        entries[key] = nil
        order.removeAll { $0 == key }
    }

    private mutating func touch(_ key: TicketKey) {
        order.removeAll { $0 == key }
        order.append(key)
    }
}
