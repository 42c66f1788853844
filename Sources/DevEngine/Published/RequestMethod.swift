import NIOCore
import NIOHTTP1

/// The method at the start of a request. Every token is one (RFC 9110 §9.1), while NIO's decoder knows some of them.
enum RequestMethod {
    enum Reading {
        /// It is not complete yet.
        case needMore
        /// This is no request.
        case malformed
        /// What is behind it begins with the blank.
        case found(HTTPMethod, rest: ByteBuffer)
    }

    /// Longer than every method there is.
    private static let longest = 64

    /// Looks at everything that has arrived so far, from the first byte of the request on.
    static func read(_ bytes: ByteBuffer) -> Reading {
        var bytes = bytes
        // What some clients leave behind the body of the request before (RFC 9112 §2.2).
        if bytes.readableBytesView.starts(with: "\r\n".utf8) { bytes.moveReaderIndex(forwardBy: 2) }
        let token = bytes.readableBytesView.prefix(longest).prefix(while: isToken)
        guard let end = bytes.readableBytesView.dropFirst(token.count).first else { return .needMore }
        guard end == UInt8(ascii: " "), !token.isEmpty else { return .malformed }
        bytes.moveReaderIndex(forwardBy: token.count)
        return .found(HTTPMethod(rawValue: String(decoding: token, as: UTF8.self)), rest: bytes)
    }

    /// Whether these are the first bytes of a request, as far as they go.
    static func begins(_ bytes: ByteBuffer) -> Bool {
        switch read(bytes) {
        case .found: true
        case .needMore: bytes.readableBytes > 0
        case .malformed: false
        }
    }

    /// Whether this can be a method, or the name of a field.
    static func isToken(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy(isToken) }

    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
