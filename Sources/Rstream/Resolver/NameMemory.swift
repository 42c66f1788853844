internal import RstreamModel

/// The last answers that had addresses: used while they are fresh, and later when no resolver answers.
///
/// It holds a bounded number of answers and forgets the oldest first.
struct NameMemory {
    private struct Entry {
        let addresses: [IPAddress]
        var freshUntil: ContinuousClock.Instant
        let number: UInt64
        /// Until when the name is known to have no address of this family, beside those of the other one.
        var emptyUntil: ContinuousClock.Instant?
    }

    /// More names than a client dials: an engine, a proxy and some redirects.
    static let capacity = 64
    private let capacity: Int
    /// An answer is asked for again after this long, whatever its lifetime says.
    static let longestLifetime = Duration.seconds(300)

    private var entries: [NameQuestion: Entry] = [:]
    private var count: UInt64 = 0

    init(capacity: Int = Self.capacity) {
        self.capacity = capacity
    }

    mutating func keep(_ answer: NameAnswer, for question: NameQuestion, at now: ContinuousClock.Instant) {
        let freshUntil = now + min(answer.lifetime, Self.longestLifetime)
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

    /// Addresses that need no question. That there are none is trusted while there are some of the other
    /// family: a name that does not exist may exist at any time.
    func fresh(_ question: NameQuestion, at now: ContinuousClock.Instant) -> [IPAddress]? {
        guard let entry = entries[question] else { return nil }
        if now < entry.freshUntil { return entry.addresses }
        let other = entries[NameQuestion(name: question.name, family: question.family.other)]
        guard let emptyUntil = entry.emptyUntil, now < emptyUntil, let other, now < other.freshUntil else { return nil }
        return []
    }

    /// The name is resolved again at the next use, because no connection succeeded at the known addresses.
    mutating func doubt(_ question: NameQuestion, at now: ContinuousClock.Instant) {
        entries[question]?.freshUntil = now
        entries[question]?.emptyUntil = nil
    }

    /// The last addresses, however old.
    func last(_ question: NameQuestion) -> [IPAddress] {
        entries[question]?.addresses ?? []
    }
}
