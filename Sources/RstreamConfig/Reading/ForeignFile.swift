// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import YAML

/// A configuration of another program where one of ours was expected: what is known of its keys is enough to say so,
/// and better than as many complaints as it has keys.
struct ForeignFile {
    /// The program, and what to do.
    let program: String
    let hint: Wording
    /// The place that shows it.
    let span: Span

    private struct Sign {
        let program: String
        let words: [String]
        var hint: Wording = "rstreamctl import converts it: see OTHER PROGRAMS in rstreamd.yaml(5)"
    }

    /// Top-level keys of other programs' files that ours do not have.
    private static let signs = [
        Sign(program: "cloudflared", words: ["ingress", "credentials-file", "originRequest", "warp-routing"]),
        Sign(program: "ngrok", words: ["authtoken", "endpoints", "agent", "web_addr"]),
        Sign(program: "frp", words: ["serverAddr", "serverPort", "server_addr", "server_port", "proxies", "visitors"]),
        Sign(
            program: "Kubernetes",
            words: ["apiVersion"],
            hint: "what the operator takes is written otherwise here; see TUNNELS in rstreamd.yaml(5)"
        ),
        Sign(
            program: "the rstream command line tool",
            words: ["defaults", "environments"],
            hint: "name it in clientConfig, and take its contexts with external: true; see rstreamd.yaml(5)"
        ),
    ]

    /// Nil for a file that may be one of ours. `text` is what was read.
    init?(_ root: Node, of text: String) {
        if case .scalar = root.content {
            self.init(text: text)
        } else {
            self.init(root)
        }
    }

    private init?(_ root: Node) {
        guard case .mapping(let pairs) = root.content else { return nil }
        for pair in pairs {
            guard let sign = Self.signs.first(where: { $0.words.contains(where: pair.key.sameBytes) }) else { continue }
            (program, hint, span) = (sign.program, sign.hint, pair.keySpan)
            return
        }
        // Contexts are a list there, and a mapping here.
        guard let contexts = pairs.first(where: { $0.key.sameBytes(as: "contexts") }), let sign = Self.signs.last,
            case .sequence(let items) = contexts.value.content, let first = items.first, case .mapping = first.content
        else { return nil }
        (program, hint, span) = (sign.program, sign.hint, contexts.keySpan)
    }

    /// More lines than stand above what such a file is known by.
    private static let mostLines = 200
    /// How the lines of frp's files begin, which are TOML or INI.
    private static let beginnings = ["serverAddr", "server_addr", "[common]", "[[proxies]]"]

    /// Looks at a text that is no YAML, or only one text to it.
    init?(text: String) {
        var index = 0
        for (number, line) in text.split(byte: "\n", omittingEmpty: false).prefix(Self.mostLines).enumerated() {
            if Self.beginnings.contains(where: line.startsWithBytes),
                let frp = Self.signs.first(where: { $0.program.sameBytes(as: "frp") })
            {
                let start = Mark(index: index, line: number + 1, column: 1)
                (program, hint) = (frp.program, frp.hint)
                span = Span(start: start, end: start)
                return
            }
            index += line.unicodeScalars.count + 1
        }
        return nil
    }
}

extension Report {
    /// Complains about a file of another program.
    mutating func error(about foreign: ForeignFile, in file: SourceFile) {
        error("this is a configuration of \(shown: foreign.program)", hint: foreign.hint, at: foreign.span, in: file)
    }
}
