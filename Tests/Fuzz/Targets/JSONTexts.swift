// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import GuardedJSON
import RstreamAdmin

/// A JSON text: a value that is written and read again as the same, or an error. Replies of the daemon are read too,
/// which have dates, optional fields and open lists of words.
enum JSONTexts {
    private static let limit = 1 << 16

    static func check(_ bytes: [UInt8]) throws(Finding) {
        _ = try? GuardedJSON.decode(DaemonStatus.self, from: bytes, limit: limit)
        _ = try? GuardedJSON.decode([Event].self, from: bytes, limit: limit)
        _ = try? GuardedJSON.decode(Problem.self, from: bytes, limit: limit)
        let value: JSONValue
        do throws(GuardedJSON.Failure) {
            value = try GuardedJSON.decode(JSONValue.self, from: bytes, limit: limit)
        } catch {
            try demand(!error.description.isEmpty, "an error has no words")
            return
        }
        guard let written = try? AdminJSON.encode(value) else { throw Finding("\(value) cannot be written") }
        let again: JSONValue
        do throws(GuardedJSON.Failure) {
            again = try GuardedJSON.decode(JSONValue.self, from: written, limit: 16 * limit)
        } catch {
            throw Finding("\(written.text) was written and cannot be read: \(error)")
        }
        try demand(isSame(again, value), "\(value) is read again as \(again)")
    }

    /// A number with a fraction may have none once it is rounded to what 64 bits hold.
    private static func isSame(_ left: JSONValue, _ right: JSONValue) -> Bool {
        switch (left, right) {
        case (.integer(let whole), .number(let number)), (.number(let number), .integer(let whole)):
            Double(whole) == number
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { isSame($0, $1) }
        case (.object(let left), .object(let right)):
            left.count == right.count
                && left.allSatisfy { name, value in right[name].map { isSame($0, value) } ?? false }
        default: left == right
        }
    }
}
