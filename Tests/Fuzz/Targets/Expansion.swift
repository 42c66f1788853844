// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel

@testable import RstreamConfig

/// The variables of a text, both as tunnel files and as the daemon's file have them: places stay inside of the file, and a
/// text without a `$` stays as it is.
enum Expansion {
    private static let environment = ["A": "one", "B": "${A}\n", "LONG": String(repeating: "x", count: 512), "E": ""]
    private static let limit = 16_384

    static func check(_ bytes: [UInt8]) throws(Finding) {
        let text = bytes.text
        let count = text.unicodeScalars.count
        let expansion = TextExpansion(text, environment: environment, limit: limit)
        let expanded = expansion.text.unicodeScalars.count
        // One more variable than fits ends it.
        try demand(expanded <= limit + 513, "\(count) scalars became \(expanded)")
        for index in stride(from: 0, through: expanded, by: max(1, expanded / 256)) {
            try demand((0...count).contains(expansion.original(index)), "\(index) lies at \(expansion.original(index))")
        }
        for unset in expansion.unset {
            try demand(unset.range.lowerBound >= 0 && unset.range.upperBound <= count, "\(unset) of \(count) scalars")
            try demand(environment[unset.name] == nil, "\(unset.name) is set")
        }
        var end = 0
        for reference in TextExpansion.references(in: text) {
            try demand(reference.lowerBound >= end && reference.upperBound <= count, "\(reference) of \(count) scalars")
            end = reference.upperBound
        }
        var values = ScalarExpansion(environment: environment, limit: limit)
        let value = try? values.expand(text)
        guard !text.contains(byte: "$") else { return }
        try demand(expansion.text.sameBytes(as: text) && value?.sameBytes(as: text) == true, "\(text) became something")
    }
}
