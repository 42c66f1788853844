// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// Guesses what was meant by a misspelled word.
package enum NearestWord {
    /// How many candidates a word is compared with.
    package static let mostCandidates = 128

    /// The nearest of the candidates, when one is near enough to be meant.
    package static func find(_ word: String, among candidates: some Sequence<String>) -> String? {
        // A word of a hundred letters is no misspelling.
        guard word.utf8.count <= 4 * Word.longest else { return nil }
        let length = word.unicodeScalars.count
        guard (1...Word.longest).contains(length) else { return nil }
        let wanted = Word(word.asciiLowercased)
        var nearest: (word: String, distance: Int)?
        for candidate in candidates.prefix(mostCandidates) where candidate.utf8.count <= 4 * Word.longest {
            // A word needs a slip for every letter that it has more; most candidates are told apart by that.
            let count = candidate.unicodeScalars.count
            let limit = max(1, min(length, count) / 3)
            guard abs(length - count) <= limit else { continue }
            let distance = wanted.distance(to: candidate.asciiLowercased)
            if distance <= limit, distance < nearest?.distance ?? .max { nearest = (candidate, distance) }
        }
        return nearest?.word ?? findPart(word.asciiLowercased, among: candidates.prefix(mostCandidates))
    }

    /// The only candidate that is a part of the word or has it for one: `warn` for `warning`, `hostname` for `host`.
    /// One that is a part of another candidate could be either.
    private static func findPart(_ word: String, among candidates: some Sequence<String>) -> String? {
        func isPart(_ part: String, of whole: String) -> Bool {
            let (part, whole) = (Array(part.utf8), Array(whole.utf8))
            guard part.count >= 3, part.count < whole.count else { return false }
            return (0...(whole.count - part.count)).contains { whole[$0...].starts(with: part) }
        }
        let related = candidates.filter { candidate in
            guard candidate.utf8.count <= Word.longest else { return false }
            let candidate = candidate.asciiLowercased
            return isPart(word, of: candidate) || isPart(candidate, of: word)
        }
        return related.count == 1 ? related[0] : nil
    }

    /// How many letters to add, drop, change or swap with their neighbour to make one word the other.
    package static func distance(_ first: String, _ second: String) -> Int { Word(first).distance(to: second) }

    /// A word that others are compared with. Only its first letters count.
    ///
    /// The distance is that of optimal string alignment, and a column of its table is two sets of bits (Hyyrö, "A
    /// bit-vector algorithm for computing Levenshtein and Damerau edit distances", 2003), so that a letter of the other
    /// word costs a few steps however long this one is.
    package struct Word: Sendable {
        static let longest = 64

        private var places: [Unicode.Scalar: UInt64] = [:]
        private var length = 0

        package init(_ text: String) {
            for scalar in text.unicodeScalars.prefix(Self.longest) {
                places[scalar, default: 0] |= 1 << UInt64(length)
                length += 1
            }
        }

        package func distance(to other: String) -> Int { distance(to: other.unicodeScalars.prefix(Self.longest)) }

        package func distance(to other: some Collection<Unicode.Scalar>) -> Int {
            guard length > 0 else { return other.count }
            let last = UInt64(1) << UInt64(length - 1)
            var (more, less) = (UInt64.max, UInt64.zero)
            var (same, before) = (UInt64.zero, UInt64.zero)
            var distance = length
            for scalar in other {
                let here = places[scalar] ?? 0
                let swapped = (~same & here) << 1 & before
                same = (((here & more) &+ more) ^ more) | here | less | swapped
                let right = less | ~(same | more)
                let left = same & more
                if right & last != 0 { distance += 1 }
                if left & last != 0 { distance -= 1 }
                let shifted = right << 1 | 1
                more = left << 1 | ~(same | shifted)
                less = shifted & same
                before = here
            }
            return distance
        }
    }
}
