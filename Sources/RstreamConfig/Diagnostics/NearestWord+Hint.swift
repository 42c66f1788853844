// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamDaemonModel

extension NearestWord {
    /// All keys of a section; of a thousand contexts only some.
    private static let shownCandidates = 20

    /// What to say about a word that is none of the valid ones.
    static func hint(for word: String, among candidates: [String]) -> Wording {
        if let nearest = find(word, among: candidates) {
            return Wording("did you mean \"\(nearest)\"?", redacted: "check how it is written")
        }
        let shown = candidates.prefix(shownCandidates).joined(separator: ", ")
        let more = candidates.count > shownCandidates ? ", …" : ""
        return Wording("expected one of: \(shown)\(more)", redacted: "check how it is written")
    }
}
