// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import YAML

/// A YAML text: a tree whose parts lie inside of the text, with every key once, or an error that has a place in it.
enum YAMLTexts {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        let document: Document
        do throws(SyntaxError) {
            document = try Document(parsing: bytes)
        } catch {
            try demand(!error.message.isEmpty, "an error has no words")
            let mark = error.mark
            let isInside = mark.index <= bytes.count && mark.line >= 1 && mark.column >= 1
            try demand(isInside, "\(error) in \(bytes.count) bytes")
            return
        }
        for problem in document.problems { try check(problem.span, bytes.count) }
        if let root = document.root { try check(root, bytes.count, depth: 0) }
    }

    private static func check(_ node: Node, _ count: Int, depth: Int) throws(Finding) {
        try check(node.span, count)
        try demand(depth <= Limits().depth, "a tree is \(depth) deep")
        switch node.content {
        case .scalar: break
        case .sequence(let items):
            for item in items { try check(item, count, depth: depth + 1) }
        case .mapping(let pairs):
            try demand(Set(pairs.map { Array($0.key.utf8) }).count == pairs.count, "a key stands twice")
            for pair in pairs {
                try check(pair.keySpan, count)
                try check(pair.value, count, depth: depth + 1)
            }
        }
    }

    private static func check(_ span: Span, _ count: Int) throws(Finding) {
        try demand(span.start <= span.end && span.end.index <= count, "\(span) lies outside of \(count) bytes")
    }
}
