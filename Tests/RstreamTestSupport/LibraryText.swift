// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Testing

/// Finds texts that libraries write for developers in messages for operators.
///
/// ``LogCapture``, the processes of this package, and other places where tests see words, show it all of them, so that
/// every test is one of this as well.
package enum LibraryText {
    /// What only libraries say, and no sentence of ours.
    static let marks = [
        // Names of types, and of cases that are errors.
        "sslError", "NIOSSL", "NIOCore", "NIOPosix", "BoringSSL", "OPENSSL_internal", "ChannelError",
        "NIOConnectionError",
        "SingleConnectionFailure", "HTTPParserError", "SocketAddressError", "IOError", "uncleanShutdown", "CocoaError",
        "EngineTLSError", "closedDuringHandshake",
        "NSCocoaErrorDomain", "NSPOSIXErrorDomain", "Error Domain=", "POSIXError", "DecodingError", "EncodingError",
        "CancellationError", "CodingKeys", "BinaryDecodingError", "ASN1Error", "CryptoKitError", "ServiceGroupError",
        "debugDescription", "(errno: ",
        // How Swift shows values.
        "Optional(", "rawValue:", "Fatal error:", " __C.",
        // Where libraries are built.
        "/checkouts/",
        // libyaml.
        "did not find expected", "did not find the expected", "could not find expected", "while parsing a",
        "while scanning a", "found character that cannot", "found unknown", "found unexpected", "found undefined",
        "found duplicate", "are not allowed in this context", "control characters are not allowed",
    ]

    /// The first sign of a library's words in a text; nil where it has none.
    package static func mark(in text: String) -> String? {
        var text = text
        return text.withUTF8 { bytes in
            marks.first { contains(bytes, $0) } ?? sourceLine(bytes) ?? value(bytes)
        }
    }

    /// What is done about a library's words: they are an issue of the test that is run, unless it is about them.
    @TaskLocal package static var report: @Sendable (String) -> Void = { Issue.record("\($0)") }

    /// Looks at what was said, and reports a library's words.
    package static func examine(_ text: @autoclosure () -> String, saidBy speaker: StaticString) {
        let text = text()
        guard let mark = mark(in: text) else { return }
        report("\"\(mark)\" is a library's word, said by \(speaker): \(text.prefix(2_000))")
    }

    // MARK: Looking

    private static func contains(_ bytes: UnsafeBufferPointer<UInt8>, _ mark: String) -> Bool {
        var mark = mark
        return mark.withUTF8 { place(of: $0, in: bytes[...]) } != nil
    }

    private static func place(
        of mark: UnsafeBufferPointer<UInt8>,
        in bytes: Slice<UnsafeBufferPointer<UInt8>>
    ) -> Int? {
        let part = UnsafeBufferPointer(rebasing: bytes)
        guard let start = part.baseAddress, let sought = mark.baseAddress,
            let found = memmem(start, part.count, sought, mark.count)
        else { return nil }
        return bytes.startIndex + (UnsafeRawPointer(found) - UnsafeRawPointer(start))
    }

    /// A line of a source: `Channel.swift:12`.
    private static func sourceLine(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
        var mark = ".swift:"
        return mark.withUTF8 { mark in
            var rest = bytes[...]
            while let found = place(of: mark, in: rest) {
                rest = bytes[(found + mark.count)...]
                if let next = rest.first, isDigit(next) { return ".swift:\(Character(Unicode.Scalar(next)))" }
            }
            return nil
        }
    }

    /// A value as Swift shows it: a case with what it carries, as in `handshakeFailed(`, or a structure, as in
    /// `Header(name: `.
    private static func value(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
        for (place, byte) in bytes.enumerated() where byte == UInt8(ascii: "(") {
            let name = bytes[..<place].reversed().prefix { isLetter($0) || isDigit($0) }.reversed()
            guard name.count >= 5, let first = name.first else { continue }
            let word = String(decoding: name, as: UTF8.self)
            if isLower(first) {
                // One word alone may be a function of the system's, as in `getrandom(2)`.
                if name.contains(where: isUpper) { return word + "(" }
            } else if isUpper(first) {
                let label = bytes[(place + 1)...].prefix { isLetter($0) || isDigit($0) }
                let end = bytes[label.endIndex...].prefix(2)
                if label.first.map(isLower) == true, end.elementsEqual(": ".utf8) { return word + "(" }
            }
        }
        return nil
    }

    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isUpper(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { isLower(byte) || isUpper(byte) || byte == UInt8(ascii: "_") }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
