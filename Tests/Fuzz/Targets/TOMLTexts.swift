// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import YAML

/// A TOML text: a table, or an error that has a place in it.
enum TOMLTexts {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        let text = bytes.text
        let table: Tree.Table
        do throws(TOMLError) {
            table = try TOMLReader.read(text)
        } catch {
            let count = text.unicodeScalars.count
            let mark = error.mark
            try demand(!error.message.isEmpty, "an error has no words")
            try demand(mark.index <= count && mark.line >= 1 && mark.column >= 1, "\(error) in \(count) scalars")
            return
        }
        try demand(Set(table.pairs.map { Array($0.key.utf8) }).count == table.pairs.count, "a key stands twice")
    }
}
