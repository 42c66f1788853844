/// Decides when memory that a burst needed goes back to the kernel: of streams, refused visitors, requests or
/// certificates, whatever it was.
///
/// glibc keeps freed memory for the next burst: after 500 streams at once, some 130 MiB more than the daemon needs. What
/// is asked for again costs page faults, so what is needed again soon after it was given back is left alone for longer
/// each time.
struct HeapTrimmer {
    /// How often somebody has to look.
    static let interval: Duration = .seconds(5)
    /// Bytes that are worth the work.
    static let worth = 8 << 20
    /// Looks that pass at most between two times, so that what a burst has left goes within half a minute, whatever was
    /// before it.
    private static let longestRest = 5

    /// What no work gives back: stacks, libraries, and what lies between things in use.
    private var floor: Int?
    /// Looks to pass before the next time, and how many it will be if that comes soon.
    private var rest = 0
    private var nextRest = 1
    private var looksSinceTrim = 0

    /// `idle` bytes are those before there was any work: what the first burst leaves may come before the first look.
    init(idle: Int? = nil) { floor = idle }

    /// Whether `idle` bytes, those that nothing uses, have become so many that some should go back.
    mutating func shouldTrim(idle: Int) -> Bool {
        let least = min(floor ?? idle, idle)
        floor = least
        looksSinceTrim += 1
        if looksSinceTrim > 2 * nextRest { nextRest = 1 }
        guard rest == 0 else {
            rest -= 1
            return false
        }
        return idle - least >= Self.worth
    }

    /// They went; so many are left.
    mutating func trimmed(idle: Int) {
        floor = idle
        rest = nextRest
        nextRest = min(2 * nextRest, Self.longestRest)
        looksSinceTrim = 0
    }
}
