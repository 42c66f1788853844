// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel

/// JSON whose members stay in their order, for a document that people read as well.
indirect enum OrderedJSON: Hashable, Sendable {
    case text(String)
    case number(Int)
    case flag(Bool)
    case list([OrderedJSON])
    case object([Member])

    struct Member: Hashable, Sendable {
        let name: String
        let value: OrderedJSON
    }

    /// The value as a text, with a line for each member of an object.
    func lines(indent: String = "") -> String {
        let inner = indent + "  "
        switch self {
        case .text(let text): return text.quotedJSON
        case .number(let number): return "\(number)"
        case .flag(let flag): return "\(flag)"
        case .list(let items):
            guard items.contains(where: \.isObject) else {
                return "[" + items.map { $0.lines() }.joined(separator: ", ") + "]"
            }
            return "[\n" + items.map { inner + $0.lines(indent: inner) }.joined(separator: ",\n") + "\n\(indent)]"
        case .object(let members):
            guard !members.isEmpty else { return "{}" }
            let lines = members.map { "\(inner)\($0.name.quotedJSON): \($0.value.lines(indent: inner))" }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(indent)}"
        }
    }

    private var isObject: Bool { if case .object = self { true } else { false } }

    static func texts(_ texts: some Sequence<String>) -> OrderedJSON { .list(texts.map { .text($0) }) }

    /// An object with further members behind its own; anything else stays as it is.
    static func + (object: OrderedJSON, more: OrderedJSON) -> OrderedJSON {
        guard case .object(let members) = object, case .object(let others) = more else { return object }
        return .object(members + others)
    }
}

extension OrderedJSON: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    init(stringLiteral text: String) { self = .text(text) }
    init(booleanLiteral flag: Bool) { self = .flag(flag) }
    init(integerLiteral number: Int) { self = .number(number) }
    init(arrayLiteral items: OrderedJSON...) { self = .list(items) }
    init(dictionaryLiteral members: (String, OrderedJSON)...) {
        self = .object(members.map { Member(name: $0.0, value: $0.1) })
    }
}
