// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

extension Duration {
    /// A year: longer than any useful setting, and far from where sums of durations overflow.
    package static let longestConfigured = Duration.seconds(366 * 24 * 60 * 60)

    /// Reads a number and one of the units `ms`, `s`, `m`, `h` (contract §3.1); three digits may follow a point.
    package init?(configured text: String) {
        let end = text.utf8.firstIndex { !(0x30...0x39).contains($0) && $0 != UInt8(ascii: ".") } ?? text.endIndex
        let number = text[..<end]
        let milliseconds: Int64
        switch text[end...].trimmed {
        case "ms": milliseconds = 1
        case "s": milliseconds = 1_000
        case "m": milliseconds = 60_000
        case "h": milliseconds = 3_600_000
        default: return nil
        }
        let parts = number.split(byte: ".", maxSplits: 1, omittingEmpty: false)
        let fraction = parts.count == 2 ? parts[1] : "0"
        // Twelve digits of the largest unit in microseconds still fit in 64 bits, with room for the fraction.
        guard let whole = parts.first, (1...9).contains(whole.utf8.count),
            (1...3).contains(fraction.utf8.count),
            let units = Int64(whole),
            let thousandths = Int64(fraction + String(repeating: "0", count: 3 - fraction.utf8.count))
        else { return nil }
        self = .microseconds((units * 1_000 + thousandths) * milliseconds)
    }

    /// The form that the configuration takes, in the largest unit that has no fraction of it.
    package var configured: String {
        let (seconds, attoseconds) = components
        let (microseconds, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000)
        guard !isTooLong else { return "\(seconds)s" }
        let total = microseconds + attoseconds / 1_000_000_000_000
        for (unit, length) in [("h", Int64(3_600_000_000)), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000)]
        where total != 0 && total.isMultiple(of: length) && (unit != "ms" || total / length < 1_000_000_000) {
            return "\(total / length)\(unit)"
        }
        guard total != 0 else { return "0s" }
        let (unit, length): (String, Int64) = total.isMultiple(of: 1_000) ? ("s", 1_000_000) : ("ms", 1_000)
        let rest = "\(total % length * 1_000 / length)"
        return "\(total / length).\(String(repeating: "0", count: max(0, 3 - rest.utf8.count)))\(rest)\(unit)"
    }
}
