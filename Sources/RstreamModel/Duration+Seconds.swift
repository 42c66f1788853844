extension Duration {
    /// For machines; people read ``secondsText``.
    package var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    /// The duration with up to three decimals, as in `4.2 s`.
    package var secondsText: String {
        guard self >= .zero else { return "-\((.zero - self).secondsText)" }
        let (seconds, attoseconds) = components
        let milliseconds = attoseconds / 1_000_000_000_000_000
        guard milliseconds != 0 else { return "\(seconds) s" }
        var digits = String(milliseconds)
        digits = String(repeating: "0", count: 3 - digits.count) + digits
        while digits.last == "0" { digits.removeLast() }
        return "\(seconds).\(digits) s"
    }
}
