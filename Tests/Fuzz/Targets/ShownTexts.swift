// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import GuardedJSON
import Linux
import Logging
import RstreamModel
import Systemd

@testable import RstreamDaemon

/// A text of a peer where people and programs read it: on one line, without a character that a terminal acts on, and the
/// same text in the JSON and the journal.
enum ShownTexts {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        let text = bytes.text
        let shown = text.printable
        try demand(shown.unicodeScalars.allSatisfy { !$0.isHidden }, "\(shown.debugDescription) has hidden characters")
        try demand(shown.printable.sameBytes(as: shown), "\(shown) is shown as \(shown.printable)")
        try demand("[\(text.quotedJSON)]".unicodeScalars.allSatisfy { !$0.isHidden }, "JSON has hidden characters")
        try json("[\(text.quotedJSON)]", [text])
        try journal(text)
        try notification(text)
        try log(text)
    }

    private static func json(_ json: String, _ expected: [String]) throws(Finding) {
        let read: [String]
        do throws(GuardedJSON.Failure) {
            read = try GuardedJSON.decode([String].self, from: Array(json.utf8), limit: 1 << 20)
        } catch .tooManyMarks {
            return
        } catch {
            throw Finding("\(json) cannot be read: \(error)")
        }
        let isSame = read.count == expected.count && zip(read, expected).allSatisfy { $0.sameBytes(as: $1) }
        try demand(isSame, "\(expected) is read as \(read)")
    }

    /// As journald reads it: `NAME=value` on one line, or a name alone with the length of its value behind it.
    private static func journal(_ text: String) throws(Finding) {
        var entry = JournalEntry()
        entry.add("MESSAGE", text)
        entry.add(text, "value")
        var (rest, fields) = (entry.bytes[...], [(name: [UInt8], value: [UInt8])]())
        while !rest.isEmpty {
            let name = Array(rest.prefix { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: "\n") })
            rest = rest.dropFirst(name.count)
            var length = rest.dropFirst().firstIndex(of: UInt8(ascii: "\n")).map { $0 - rest.startIndex - 1 } ?? 0
            if rest.popFirst() == UInt8(ascii: "\n") {
                length = Int(rest.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) })
                rest = rest.dropFirst(8)
            }
            try demand(length >= 0 && length < rest.count, "a field of \(length) bytes in \(rest.count)")
            fields.append((name, Array(rest.prefix(length))))
            rest = rest.dropFirst(length)
            try demand(rest.popFirst() == UInt8(ascii: "\n"), "a field does not end")
        }
        try demand(fields.first?.value == Array(text.utf8), "the message is \(fields)")
        try demand(fields.count <= 2, "\(fields.count) fields")
        for (name, _) in fields {
            let isName = name.first.map { (0x41...0x5A).contains($0) } ?? false
            try demand(isName && name.count <= 64, "a field is called \(name.text)")
        }
    }

    private static func notification(_ text: String) throws(Finding) {
        let message = NotifyMessage(.status(text)).bytes
        let most = NotifyMessage.longestStatus + "STATUS=".utf8.count
        try demand(message.count <= most, "a status of \(message.count) bytes")
        try demand(message.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "a status is \(message.text.debugDescription)")
    }

    private static func log(_ text: String) throws(Finding) {
        let facts: Logger.Metadata = [
            "tunnel": .string(text), "list": .array([.string(text)]), "map": .dictionary([text: "a"]),
        ]
        let record = LogRecord(.notice, text, facts)
        for line in [record.prioritized, record.text(.none), record.json] {
            try demand(line.utf8.last == 0x0A, "a line does not end: \(line.debugDescription)")
            let isOne = line.unicodeScalars.dropLast().allSatisfy { !$0.isHidden }
            try demand(isOne, "a line is \(line.debugDescription)")
        }
        do throws(GuardedJSON.Failure) {
            _ = try GuardedJSON.decode([String: String].self, from: Array(record.json.utf8), limit: 1 << 20)
        } catch .tooManyMarks {
            return
        } catch {
            throw Finding("\(record.json) cannot be read: \(error)")
        }
    }
}
