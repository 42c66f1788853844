/// JSON with a line for each value, for people. What is no JSON comes out as some text or other.
package struct IndentedJSON: Hashable, Sendable {
    package let lines: [String]

    package init(_ json: some Sequence<UInt8>) {
        var (lines, line, depth) = ([String](), [UInt8](), 0)
        var (isInString, isEscaped, isFresh) = (false, false, false)
        func end() {
            lines.append(String(repeating: "  ", count: max(0, depth)) + String(decoding: line, as: UTF8.self))
            line = []
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
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                line.append(byte)
                end()
                depth += 1
                isFresh = true
                continue
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if isFresh, let opening = lines.popLast() {
                    // Nothing inside: `{}` stays on its line.
                    depth -= 1
                    line = Array(opening.drop { $0 == " " }.utf8)
                } else {
                    end()
                    depth -= 1
                }
                line.append(byte)
            case UInt8(ascii: ","):
                line.append(byte)
                end()
            case UInt8(ascii: ":"): line += Array(": ".utf8)
            default:
                isInString = byte == UInt8(ascii: "\"")
                line.append(byte)
            }
            isFresh = false
        }
        if !line.isEmpty { end() }
        self.lines = lines
    }
}
