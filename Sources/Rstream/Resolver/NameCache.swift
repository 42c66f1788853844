// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// The DNS cache of a ``NameService``: the last answers with addresses. An expired one is kept as a last known answer,
/// for when a lookup fails.
///
/// Bounded; the oldest entry is evicted first. A value without a lock: `NameService` guards it.
struct NameCache {
    private struct Entry {
        let addresses: [IPAddress]
        var freshUntil: ContinuousClock.Instant
        let number: UInt64
        /// Until when the name is known to have no address of this family.
        var emptyUntil: ContinuousClock.Instant?
    }

    /// In questions. A client resolves fewer: an engine, a proxy and some redirects.
    static let capacity = 64
    private let capacity: Int
    /// An upper bound for the TTL of answers.
    static let maximumLifetime = Duration.seconds(300)

    private var entries: [NameQuestion: Entry] = [:]
    private var count: UInt64 = 0

    init(capacity: Int = Self.capacity) {
        self.capacity = capacity
    }

    mutating func store(_ answer: NameAnswer, for question: NameQuestion, at now: ContinuousClock.Instant) {
        let freshUntil = now + min(answer.lifetime, Self.maximumLifetime)
        guard !answer.addresses.isEmpty else {
            if entries[question] == nil { add(Entry(addresses: [], freshUntil: now, number: count + 1), question) }
            entries[question]?.emptyUntil = freshUntil
            return
        }
        add(Entry(addresses: answer.addresses, freshUntil: freshUntil, number: count + 1), question)
    }

    private mutating func add(_ entry: Entry, _ question: NameQuestion) {
        count += 1
        entries[question] = entry
        if entries.count > capacity, let oldest = entries.min(by: { $0.value.number < $1.value.number }) {
            entries[oldest.key] = nil
        }
    }

    /// The addresses of an unexpired answer; nil if the name must be looked up. "No addresses" is cached only while the
    /// other family has some: a name that does not exist may be created at any time.
    func fresh(_ question: NameQuestion, at now: ContinuousClock.Instant) -> [IPAddress]? {
        guard let entry = entries[question] else { return nil }
        if now < entry.freshUntil { return entry.addresses }
        let other = entries[NameQuestion(name: question.name, family: question.family.other)]
        guard let emptyUntil = entry.emptyUntil, now < emptyUntil, let other, now < other.freshUntil else { return nil }
        return []
    }

    /// Expires an answer, because a connection to its addresses failed. It stays available as a last known answer.
    mutating func expire(_ question: NameQuestion, at now: ContinuousClock.Instant) {
        entries[question]?.freshUntil = now
        entries[question]?.emptyUntil = nil
    }

    /// The last known addresses, expired or not.
    func lastKnown(_ question: NameQuestion) -> [IPAddress] {
        entries[question]?.addresses ?? []
    }
}
