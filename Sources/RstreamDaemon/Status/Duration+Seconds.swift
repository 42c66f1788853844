extension Duration {
    /// Seconds as a number, for machines; people read ``inSeconds``.
    var secondsNumber: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
