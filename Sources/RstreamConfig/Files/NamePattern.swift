// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// A pattern for the names in a directory: `*` stands for any text, `?` for one character, which is a Unicode scalar.
///
/// All places in the pattern where a name may have got to are kept at once, as bits, so that a name costs its length
/// times a constant however many stars there are.
struct NamePattern {
    /// A set of places, as many as the longest pattern has.
    private struct Places {
        var words: (UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0)

        mutating func insert(_ place: Int) {
            let bit = UInt64(1) << UInt64(place % 64)
            switch place / 64 {
            case 0: words.0 |= bit
            case 1: words.1 |= bit
            case 2: words.2 |= bit
            case 3: words.3 |= bit
            default: words.4 |= bit
            }
        }

        func contains(_ place: Int) -> Bool {
            let word =
                switch place / 64 {
                case 0: words.0
                case 1: words.1
                case 2: words.2
                case 3: words.3
                default: words.4
                }
            return word >> UInt64(place % 64) & 1 != 0
        }

        var isEmpty: Bool { words == (0, 0, 0, 0, 0) }

        func intersection(_ other: Places) -> Places {
            Places(
                words: (
                    words.0 & other.words.0, words.1 & other.words.1, words.2 & other.words.2,
                    words.3 & other.words.3, words.4 & other.words.4
                )
            )
        }

        func union(_ other: Places) -> Places {
            Places(
                words: (
                    words.0 | other.words.0, words.1 | other.words.1, words.2 | other.words.2,
                    words.3 | other.words.3, words.4 | other.words.4
                )
            )
        }

        /// Every place one further on.
        var next: Places {
            Places(
                words: (
                    words.0 << 1, words.1 << 1 | words.0 >> 63, words.2 << 1 | words.1 >> 63,
                    words.3 << 1 | words.2 >> 63, words.4 << 1 | words.3 >> 63
                )
            )
        }
    }

    /// The places in front of each character, and in front of every `?`.
    private var before: [Unicode.Scalar: Places] = [:]
    private var beforeAny = Places()
    /// The places at a star, where a name may stay as long as it likes.
    private var stars = Places()
    /// The place behind the last character; nil when no name is as long as the pattern.
    private var end: Int?
    private let takesHidden: Bool

    init(_ pattern: String) {
        takesHidden = pattern.startsWithBytes(of: ".")
        guard pattern.utf8.count <= 4 * Path.longestName else { return }
        var place = 0
        for scalar in pattern.unicodeScalars {
            switch scalar {
            case "*": stars.insert(place)
            case _ where place == Path.longestName: return
            case "?":
                beforeAny.insert(place)
                place += 1
            default:
                before[scalar, default: Places()].insert(place)
                place += 1
            }
        }
        end = place
    }

    /// Whether a name fits. As in a shell, only a pattern with a leading dot fits a name with one.
    func matches(_ name: String) -> Bool {
        guard let end, name.utf8.count <= 4 * Path.longestName, takesHidden || !name.startsWithBytes(of: ".") else {
            return false
        }
        var places = Places()
        places.insert(0)
        for scalar in name.unicodeScalars {
            let fitting = before[scalar].map { beforeAny.union($0) } ?? beforeAny
            places = places.intersection(fitting).next.union(places.intersection(stars))
            if places.isEmpty { return false }
        }
        return places.contains(end)
    }
}
