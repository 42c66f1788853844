// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// Where keys stand: a place is the path of a mapping, such as `contexts.transport.proxy`, and empty for the file itself.
extension ConfigurationKey {
    /// The key that is written as `word` at a place; nil for a mapping or a list of mappings.
    package init?(_ word: String, at place: String) {
        self.init(rawValue: Self.path(of: word, at: place))
    }

    /// The path of a key or a mapping.
    package static func path(of word: String, at place: String) -> String {
        place.isEmpty ? word : "\(place).\(word)"
    }

    /// What may be written at a place, in the order of the table.
    package static func words(at place: String) -> [String] { wordsByPlace[place] ?? [] }

    /// Every place.
    package static var places: [String] { wordsByPlace.keys.sorted() }

    private static let wordsByPlace: [String: [String]] = {
        var words: [String: [String]] = [:]
        // The names of contexts are no words.
        for key in allCases where key != .contextName {
            var place = ""
            for part in key.rawValue.split(byte: ".") {
                let word = String(part)
                if words[place]?.contains(word) != true { words[place, default: []].append(word) }
                place = path(of: word, at: place)
            }
        }
        return words
    }()
}
