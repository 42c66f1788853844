/// Guesses what was meant by a misspelled word.
enum NearestWord {
    /// All keys of a section; of a thousand contexts only some.
    private static let shownCandidates = 20

    /// The nearest of the candidates, when one is near enough to be meant.
    static func find(_ word: String, among candidates: some Sequence<String>) -> String? {
        // Nobody misspells a word into one of a hundred letters, and comparing takes the product of both lengths.
        guard (1...64).contains(word.count) else { return nil }
        let lowered = word.lowercased()
        var nearest: (word: String, distance: Int)?
        for candidate in candidates {
            // A word needs a slip for every letter that it has more; most candidates are told apart by that.
            let limit = max(1, min(word.count, candidate.count) / 3)
            guard abs(word.count - candidate.count) <= limit else { continue }
            let distance = distance(lowered, candidate.lowercased())
            if distance <= limit, distance < nearest?.distance ?? .max { nearest = (candidate, distance) }
        }
        return nearest?.word
    }

    /// How many letters to add, drop, change or swap with their neighbour to make one word the other.
    static func distance(_ first: String, _ second: String) -> Int {
        let first = Array(first.unicodeScalars.prefix(64))
        let second = Array(second.unicodeScalars.prefix(64))
        var beforePrevious: [Int] = []
        var previous = Array(0...second.count)
        for row in first.indices {
            var current = [row + 1]
            for column in second.indices {
                let change = previous[column] + (first[row] == second[column] ? 0 : 1)
                var best = min(change, previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, first[row] == second[column - 1], first[row - 1] == second[column] {
                    best = min(best, beforePrevious[column - 1] + 1)
                }
                current.append(best)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[second.count]
    }

    /// What to say about a word that is none of the valid ones.
    static func hint(for word: String, among candidates: [String]) -> String {
        if let nearest = find(word, among: candidates) { return "did you mean \"\(nearest)\"?" }
        let shown = candidates.prefix(Self.shownCandidates).joined(separator: ", ")
        return "expected one of: \(shown)\(candidates.count > Self.shownCandidates ? ", …" : "")"
    }
}
