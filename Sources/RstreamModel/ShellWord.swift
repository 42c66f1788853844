// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

extension StringProtocol {
    /// The text as one word of a shell, for commands that people copy: as it is, or in quotes where the shell would read
    /// something else.
    package var shellWord: String {
        guard utf8.isEmpty || utf8.contains(where: { !$0.isPlainInShell }) else { return String(self) }
        var word = [UInt8(ascii: "'")]
        for byte in utf8 {
            if byte == UInt8(ascii: "'") { word += #"'\'"#.utf8 }
            word.append(byte)
        }
        word.append(UInt8(ascii: "'"))
        return String(decoding: word, as: UTF8.self)
    }
}

extension UInt8 {
    /// Whether no shell gives it a meaning. Nothing beyond ASCII has one.
    fileprivate var isPlainInShell: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...0xFF:
            true
        default: "_@%+:,./-=".utf8.contains(self)
        }
    }
}
