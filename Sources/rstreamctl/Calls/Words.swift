// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamDaemonModel

/// A command line as it was written.
struct Words: Hashable, Sendable {
    /// Options that may stand in front of a command, each followed by a value.
    private static let global: Set = ["--socket", "-o", "--output"]

    /// The form that the parser takes: `-ojson` and `-o=json` become `-o json`.
    let arguments: [String]

    /// Takes the words after the program's name.
    init(_ written: [String]) {
        let end = written.firstIndex(of: "--") ?? written.count
        arguments = written.enumerated().flatMap { place, word in
            guard place < end, word.hasPrefix("-o"), word.utf8.count > 2 else { return [word] }
            let value = word.dropFirst(2)
            return ["-o", String(value.hasPrefix("=") ? value.dropFirst() : value)]
        }
    }

    /// The word in the place of a command; nil without one, or after unknown options.
    var command: String? {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            guard word.hasPrefix("-") else { return word }
            if Self.global.contains(word) {
                _ = rest.popFirst()
            } else if !word.hasPrefix("--socket="), !word.hasPrefix("--output=") {
                return nil
            }
        }
        return nil
    }

    /// The message for an unknown command.
    static func unknown(_ command: String, among commands: [String]) -> String {
        let nearest = NearestWord.find(command, among: commands).map { ", did you mean \"\($0)\"?" }
        return "unknown command \"\(command)\"\(nearest ?? "; rstreamctl help lists them")"
    }
}
