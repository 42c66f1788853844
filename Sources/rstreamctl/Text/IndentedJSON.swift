// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// JSON with a line for each value, for people. Invalid JSON gives some text.
struct IndentedJSON: Hashable, Sendable {
    /// Levels of indentation. No document of a daemon has as many, and this limits the length of a line.
    private static let deepest = 16

    let lines: [String]

    init(_ json: some Sequence<UInt8>) {
        var (lines, line, depth) = ([String](), [UInt8](), 0)
        var (isInString, isEscaped, isFresh) = (false, false, false)
        func end() {
            let indent = String(repeating: "  ", count: min(max(0, depth), Self.deepest))
            lines.append(indent + String(decoding: line, as: UTF8.self))
            line.removeAll(keepingCapacity: true)
        }
        for byte in json {
            if isInString {
                line.append(byte)
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): continue
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                // Nothing inside: `{}` stays on its line.
                if !isFresh {
                    end()
                    depth -= 1
                }
                line.append(byte)
                isFresh = false
                continue
            default: break
            }
            if isFresh {
                end()
                depth += 1
                isFresh = false
            }
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                line.append(byte)
                isFresh = true
            case UInt8(ascii: ","):
                line.append(byte)
                end()
            case UInt8(ascii: ":"): line += ": ".utf8
            default:
                isInString = byte == UInt8(ascii: "\"")
                line.append(byte)
            }
        }
        if !line.isEmpty { end() }
        self.lines = lines
    }
}
