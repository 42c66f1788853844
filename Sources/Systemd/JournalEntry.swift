// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// One entry of the journal, in the bytes of its native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/).
package struct JournalEntry: Hashable, Sendable {
    /// What goes into one datagram.
    package private(set) var bytes: [UInt8] = []

    /// More than this, and journald leaves the field out.
    static let longestName = 64

    package init() {}

    /// Adds a field with any value, also one of several lines. journald takes capital letters, digits and, after the
    /// first place, underscores: `name` is brought into that form, and a name of which nothing is left adds nothing.
    package mutating func add(_ name: String, _ value: String) {
        let name = Self.name(name)
        guard !name.isEmpty else { return }
        bytes += name
        if value.utf8.contains(UInt8(ascii: "\n")) {
            bytes.append(UInt8(ascii: "\n"))
            unsafe withUnsafeBytes(of: UInt64(value.utf8.count).littleEndian) { unsafe bytes += $0 }
        } else {
            bytes.append(UInt8(ascii: "="))
        }
        bytes += value.utf8
        bytes.append(UInt8(ascii: "\n"))
    }

    private static func name(_ text: String) -> [UInt8] {
        let allowed = text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
            case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 0x20
            default: UInt8(ascii: "_")
            }
        }
        // Names that begin with an underscore are journald's own; a field name cannot begin with a digit.
        let start = allowed.firstIndex { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") } ?? allowed.endIndex
        return Array(allowed[start...].prefix(longestName))
    }
}
