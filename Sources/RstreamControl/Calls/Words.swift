internal import RstreamDaemonModel

/// A command line as it was written.
package struct Words: Hashable, Sendable {
    /// Options that stand in front of a command too, each with a value behind it.
    private static let global: Set = ["--socket", "-o", "--output"]

    /// In the form that the parser takes: `-ojson` and `-o=json` are `-o json`.
    package let arguments: [String]

    /// Takes what stands behind the name of the program.
    package init(_ written: [String]) {
        let end = written.firstIndex(of: "--") ?? written.count
        arguments = written.enumerated().flatMap { place, word in
            guard place < end, word.hasPrefix("-o"), word.utf8.count > 2 else { return [word] }
            let value = word.dropFirst(2)
            return ["-o", String(value.hasPrefix("=") ? value.dropFirst() : value)]
        }
    }

    /// The word in the place of a command; nil when there is none, or options that are not known stand in front of it.
    package var command: String? {
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

    /// What to say about a command that is none of those there are.
    package static func unknown(_ command: String, among commands: [String]) -> String {
        let nearest = NearestWord.find(command, among: commands).map { ", did you mean \"\($0)\"?" }
        return "there is no command \"\(command)\"\(nearest ?? "; rstreamctl help lists them")"
    }
}
