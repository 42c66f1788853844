// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Decides when the pages of the program are unmapped that were needed for a while only: by the start, and then by
/// streams when there have been none for half a minute.
struct PageReleaser {
    /// Checks without a stream after which what streams needed is not needed.
    static let quietChecks = 6

    /// Streams so far at the last check; nil before the first one.
    private var taken: UInt64?
    /// Checks since the last stream; nil when there was none since pages were unmapped.
    private var quiet: Int?

    /// Whether to unmap the pages now, where `taken` streams have begun so far and `open` are open. Called every
    /// ``HeapTrimmer/interval``; the first call is the end of the start.
    mutating func shouldRelease(taken: UInt64, open: Int) -> Bool {
        defer { self.taken = taken }
        guard let before = self.taken else { return true }
        guard open == 0, taken == before else {
            quiet = 0
            return false
        }
        guard let checks = quiet.map({ $0 + 1 }) else { return false }
        quiet = checks < Self.quietChecks ? checks : nil
        return quiet == nil
    }
}
