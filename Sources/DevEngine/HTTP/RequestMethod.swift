// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOHTTP1

/// Parses the method of a request. Every token is valid (RFC 9110 §9.1), but NIO's decoder knows only some.
enum RequestMethod {
    enum Reading {
        /// It is not complete yet.
        case needMore
        /// This is not a request.
        case malformed
        /// `rest` begins with the space.
        case found(HTTPMethod, rest: ByteBuffer)
    }

    /// Longer than every registered method.
    private static let longest = 64

    /// Parses everything that has arrived so far, from the first byte of the request.
    static func read(_ bytes: ByteBuffer) -> Reading {
        var bytes = bytes
        // Some clients send an extra line break after a body (RFC 9112 §2.2).
        if bytes.readableBytesView.starts(with: "\r\n".utf8) { bytes.moveReaderIndex(forwardBy: 2) }
        let token = bytes.readableBytesView.prefix(longest).prefix(while: isToken)
        guard let end = bytes.readableBytesView.dropFirst(token.count).first else { return .needMore }
        guard end == UInt8(ascii: " "), !token.isEmpty else { return .malformed }
        bytes.moveReaderIndex(forwardBy: token.count)
        return .found(HTTPMethod(rawValue: String(decoding: token, as: UTF8.self)), rest: bytes)
    }

    /// Whether these may be the first bytes of a request.
    static func begins(_ bytes: ByteBuffer) -> Bool {
        switch read(bytes) {
        case .found: true
        case .needMore: bytes.readableBytes > 0
        case .malformed: false
        }
    }

    /// Whether this is a token, such as a method or a field name.
    static func isToken(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy(isToken) }

    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
