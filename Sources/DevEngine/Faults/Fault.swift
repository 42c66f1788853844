// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel
import RstreamWire

/// One fault: `NAME[=VALUE][*COUNT]`.
package struct Fault: Hashable, Sendable {
    package enum Value: Hashable, Sendable {
        case none
        case number(Int)
        case error(EngineError)
    }

    package let name: FaultName
    package let value: Value
    /// How many times it is injected; nil for always.
    package let count: Int?

    package init(_ name: FaultName, value: Value = .none, count: Int? = nil) {
        self.name = name
        self.value = value
        self.count = count
    }

    /// Why a text is not a valid fault.
    package struct Malformed: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    /// Parses a fault of the command line or of `PUT /api/dev/faults`.
    package init(_ text: String) throws(Malformed) {
        var rest = Substring(text)
        var count: Int?
        // A `*` in the text of an error is not a count, unless only digits follow it.
        if let star = rest.lastIndex(ofByte: "*"), let times = Self.number(rest[rest.index(after: star)...]) {
            guard times > 0 else { throw Malformed(description: "\"\(text)\": a count must be at least 1") }
            count = times
            rest = rest[..<star]
        }
        let parts = rest.split(byte: "=", maxSplits: 1, omittingEmpty: false)
        guard let given = parts.first, let name = FaultName(rawValue: String(given)) else {
            let known = FaultName.allCases.map(\.rawValue).joined(separator: ", ")
            throw Malformed(description: "unknown fault \"\(text)\"; known faults: \(known)")
        }
        self.init(name, value: try Self.value(for: name, in: parts.count > 1 ? parts[1] : nil), count: count)
    }

    private static func value(for name: FaultName, in text: Substring?) throws(Malformed) -> Value {
        let argument = name.definition.argument
        let malformed = Malformed(description: "this fault is written \(name.rawValue)\(argument.rawValue)")
        switch (argument, text) {
        case (.none, nil): return .none
        case (.milliseconds, let text?), (.count, let text?), (.bytes, let text?):
            guard let number = number(text), argument != .count || number > 0 else { throw malformed }
            return .number(number)
        case (.error, let text?):
            let parts = text.split(byte: ":", maxSplits: 1, omittingEmpty: false)
            guard let first = parts.first, let code = number(first), code <= Int32.max else { throw malformed }
            let message = parts.count > 1 ? String(parts[1]) : "injected by \(name.rawValue)"
            return .error(EngineError(code: EngineErrorCode(rawValue: code), message: message))
        case (.none, .some), (_, nil): throw malformed
        }
    }

    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.allSatisfy(\.isASCIIDigit), let number = UInt32(text) else { return nil }
        return Int(number)
    }
}
