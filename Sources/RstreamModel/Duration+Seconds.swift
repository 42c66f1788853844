// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

extension Duration {
    /// For machines to calculate with.
    package var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    /// The duration for people, as in `4.2 s`.
    package var secondsText: String { "\(secondsDigits) s" }

    /// Its seconds with up to three decimals, as in `4.2`.
    package var secondsDigits: String {
        guard self >= .zero else { return "-\((.zero - self).secondsDigits)" }
        let (seconds, attoseconds) = components
        let milliseconds = attoseconds / 1_000_000_000_000_000
        guard milliseconds != 0 else { return "\(seconds)" }
        var digits = String(milliseconds)
        digits = String(repeating: "0", count: 3 - digits.count) + digits
        while digits.last == "0" { digits.removeLast() }
        return "\(seconds).\(digits)"
    }
}
