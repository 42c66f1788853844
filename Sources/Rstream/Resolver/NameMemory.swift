internal import RstreamModel

/// The last answers that had addresses, for as long as they are fresh, and afterwards for when nobody answers.
///
/// It holds a bounded number of them and forgets the oldest first.
struct NameMemory {
    private struct Entry {
        let addresses: [IPAddress]
        let freshUntil: ContinuousClock.Instant
        let number: UInt64
    }

    /// More names than a client dials: an engine, a proxy and some redirects.
    static let capacity = 64
    /// An answer is asked for again after this long, whatever its lifetime says.
    static let longestLifetime = Duration.seconds(300)

    private var entries: [NameQuestion: Entry] = [:]
    private var count: UInt64 = 0

    mutating func keep(_ answer: NameAnswer, for question: NameQuestion, at now: ContinuousClock.Instant) {
        guard !answer.addresses.isEmpty else { return }
        count += 1
        entries[question] = Entry(
            addresses: answer.addresses,
            freshUntil: now + min(answer.lifetime, Self.longestLifetime),
            number: count
        )
        if entries.count > Self.capacity, let oldest = entries.min(by: { $0.value.number < $1.value.number }) {
            entries[oldest.key] = nil
        }
    }

    /// Addresses that need not be asked for.
    func fresh(_ question: NameQuestion, at now: ContinuousClock.Instant) -> [IPAddress]? {
        entries[question].flatMap { now < $0.freshUntil ? $0.addresses : nil }
    }

    /// The last addresses, however old.
    func last(_ question: NameQuestion) -> [IPAddress] {
        entries[question]?.addresses ?? []
    }
}
