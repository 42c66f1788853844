/// Guesses what was meant by a misspelled word.
enum NearestWord {
    /// The nearest of the candidates, when one is near enough to be meant.
    static func find(_ word: String, among candidates: some Sequence<String>) -> String? {
        // Nobody misspells a word into one of a hundred letters, and comparing takes the product of both lengths.
        guard (1...64).contains(word.count) else { return nil }
        let lowered = word.lowercased()
        let nearest = candidates.map { (word: $0, distance: distance(lowered, $0.lowercased())) }
            .min { $0.distance < $1.distance }
        guard let nearest, nearest.distance <= max(1, min(word.count, nearest.word.count) / 3) else { return nil }
        return nearest.word
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
        return "expected one of: \(candidates.joined(separator: ", "))"
    }
}
