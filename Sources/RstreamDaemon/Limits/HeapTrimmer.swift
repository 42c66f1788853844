/// Decides when memory that a crowd of streams needed goes back to the kernel, and gives it back.
///
/// glibc keeps freed memory for the next crowd: after 500 streams at once, some 130 MiB more than the daemon needs.
/// What is asked for again costs page faults, so memory is given back only when most of the crowd has gone.
struct HeapTrimmer {
    /// How often somebody has to ask.
    static let interval: Duration = .seconds(5)
    /// Fewer streams than this are no crowd.
    private static let crowd = 64

    private var peak = 0

    /// `peak` is the most streams that were open at once since the last call.
    mutating func shouldTrim(peak newPeak: Int, active: Int) -> Bool {
        peak = max(peak, newPeak)
        guard peak >= Self.crowd, active <= peak / 4 else { return false }
        peak = active
        return true
    }
}
