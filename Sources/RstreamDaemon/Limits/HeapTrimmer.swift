// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Decides when memory that a burst has used is returned to the kernel.
///
/// glibc keeps freed memory for the next burst: after 500 concurrent streams, some 130 MiB more than the daemon needs.
/// Memory that is needed again costs page faults, so the trimmer pauses longer each time that bursts follow each other.
struct HeapTrimmer {
    /// How often to check the heap.
    static let interval: Duration = .seconds(5)
    /// The least number of idle bytes to return.
    static let threshold = 8 << 20
    /// Checks to skip at most after a trim, so that memory of a burst is returned within half a minute in any case.
    private static let longestPause = 5

    /// Idle bytes that no trim returns: gaps between blocks in use.
    private var floor: Int?
    /// Checks to skip now, and after the next trim if that is soon.
    private var skips = 0
    private var nextSkips = 1
    private var checksSinceTrim = 0

    /// `idle` is the number of idle bytes before any burst: the first one may end before the first check.
    init(idle: Int? = nil) { floor = idle }

    /// Whether to trim the heap, which has `idle` bytes that are free and not returned.
    mutating func shouldTrim(idle: Int) -> Bool {
        let least = min(floor ?? idle, idle)
        floor = least
        checksSinceTrim += 1
        if checksSinceTrim > 2 * nextSkips { nextSkips = 1 }
        guard skips == 0 else {
            skips -= 1
            return false
        }
        return idle - least >= Self.threshold
    }

    /// Records a trim that has left `idle` bytes.
    mutating func trimmed(idle: Int) {
        floor = idle
        skips = nextSkips
        nextSkips = min(2 * nextSkips, Self.longestPause)
        checksSinceTrim = 0
    }
}
