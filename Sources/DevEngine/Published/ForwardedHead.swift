import NIOCore
import RstreamModel

/// A request head as the edge hands it on: with who came and what for, and without what was meant for the edge alone.
///
/// Everything else stays byte for byte as it came.
struct ForwardedHead {
    /// Who came.
    let source: IPAddress?
    /// The host that was asked for, as it was written.
    let host: String
    /// Whether the token opened the edge's door, and is none of the service's.
    let hidesToken: Bool

    private typealias Bytes = ByteBufferView

    /// What visitors say of themselves in these is replaced.
    private static let replaced = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]
    private static let lineFeed = UInt8(ascii: "\n")

    /// `request` begins with a head that was read by a decoder already; what is behind it is not looked at.
    func applied(to request: ByteBuffer) -> ByteBuffer {
        var result = ByteBuffer()
        var rest = request.readableBytesView
        var isRequestLine = true
        var isDropping = false
        while let feed = rest.firstIndex(of: Self.lineFeed) {
            let line = rest[...feed]
            rest = rest[(feed + 1)...]
            let text = line.withoutLineEnd
            if isRequestLine {
                // An empty line before the request means nothing.
                if text.isEmpty { continue }
                isRequestLine = false
                result.writeBytes(hidesToken ? Self.withoutToken(line) : Array(line))
            } else if text.isEmpty {
                writeFacts(to: &result)
                result.writeBytes(line)
                break
            } else {
                // A line that begins with a blank goes on with the one before.
                let goesOn = text.first == UInt8(ascii: " ") || text.first == UInt8(ascii: "\t")
                if !goesOn {
                    isDropping = !writeField(line, to: &result)
                } else if !isDropping {
                    result.writeBytes(line)
                }
            }
        }
        result.writeBytes(rest)
        return result
    }

    private func writeFacts(to result: inout ByteBuffer) {
        if let source { result.writeString("X-Forwarded-For: \(source)\r\n") }
        result.writeString("X-Forwarded-Proto: https\r\nX-Forwarded-Host: \(host)\r\n")
    }

    /// False when the field is left out.
    private func writeField(_ line: Bytes, to result: inout ByteBuffer) -> Bool {
        let name = line.prefix { $0 != UInt8(ascii: ":") }
        switch String(decoding: name, as: UTF8.self).asciiLowercased {
        case let name where Self.replaced.contains(name): return false
        case "authorization" where hidesToken: return false
        case "cookie":
            let cookies = line.dropFirst(name.count + 1).withoutLineEnd.split(separator: UInt8(ascii: ";"))
            let others = cookies.filter { cookie in
                !cookie.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.starts(with: "rstream_auth=".utf8)
            }
            guard others.count < cookies.count else { break }
            guard !others.isEmpty else { return false }
            result.writeString("Cookie:")
            result.writeBytes(others.joined(separator: ";".utf8))
            result.writeString("\r\n")
            return true
        default: break
        }
        result.writeBytes(line)
        return true
    }

    /// The request line without the parameter of the query that holds the token.
    private static func withoutToken(_ line: Bytes) -> [UInt8] {
        let path = line.prefix { $0 != UInt8(ascii: "?") }
        let query = line.dropFirst(path.count + 1).prefix { $0 != UInt8(ascii: " ") }
        let pairs = query.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false)
        let others = pairs.filter { pair in
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            return !RequestTarget.decoded(Substring(decoding: name, as: UTF8.self)).sameBytes(as: "rstream.token")
        }
        guard others.count < pairs.count else { return Array(line) }
        let mark = others.isEmpty ? [] : [UInt8(ascii: "?")]
        return path + mark + others.joined(separator: "&".utf8) + line.dropFirst(path.count + 1 + query.count)
    }
}

extension ByteBufferView {
    /// The line without CR LF, or LF alone.
    fileprivate var withoutLineEnd: ByteBufferView {
        var line = self
        if line.last == UInt8(ascii: "\n") { line = line.dropLast() }
        if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
        return line
    }
}
