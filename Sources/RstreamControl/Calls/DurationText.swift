/// A duration on a command line: a number and `ms`, `s`, `m` or `h`, as the configuration has it (contract §3.1).
package struct DurationText: Hashable, Sendable {
    /// More than anybody waits for.
    private static let longest = Duration.seconds(366 * 24 * 60 * 60)

    package let duration: Duration

    package static func seconds(_ seconds: Int) -> Self { Self(duration: .seconds(seconds)) }

    private init(duration: Duration) { self.duration = duration }

    package init?(_ text: String) {
        let number = text.prefix { "0"..."9" ~= $0 || $0 == "." }
        let microseconds: Int64
        switch text.dropFirst(number.count) {
        case "ms": microseconds = 1
        case "s": microseconds = 1_000
        case "m": microseconds = 60_000
        case "h": microseconds = 3_600_000
        default: return nil
        }
        let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? parts[1] : "0"
        guard (1...9).contains(parts[0].count), (1...3).contains(fraction.count), let whole = Int64(parts[0]),
            let thousandths = Int64(fraction + String(repeating: "0", count: 3 - fraction.count))
        else { return nil }
        duration = .microseconds((whole * 1_000 + thousandths) * microseconds)
        guard duration <= Self.longest else { return nil }
    }
}
