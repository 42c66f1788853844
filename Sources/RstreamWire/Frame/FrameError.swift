// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// Why bytes are not a frame, or a message does not fit in one (PROTOCOL.md §2).
package enum FrameError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A header announced, or a message needs, more than 65,535 bytes.
    case tooLarge(length: Int)
    /// The payload of a complete frame is not a protobuf message.
    case malformed
    /// A field of the message is invalid.
    case field(FieldError)

    package var description: String {
        switch self {
        case .tooLarge(let length): "a frame of \(length) bytes is longer than the \(WireLimits.framePayload) allowed"
        case .malformed: "a frame does not contain a message"
        case .field(let error): "in a message, \(error)"
        }
    }
}

extension FrameError {
    /// The kind of server that answers in place of an engine, when the announced length is the first four bytes of
    /// another protocol.
    package var stranger: String? {
        guard case .tooLarge(let length) = self, let word = UInt32(exactly: length) else { return nil }
        let bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) }
        let known: [(start: String, stranger: String)] = [
            ("http", "a web server"), ("<!do", "a web server"), ("<htm", "a web server"), ("<hea", "a web server"),
            ("<?xm", "a web server"), ("<!--", "a web server"), ("ssh-", "an SSH server"),
            ("220 ", "a mail or FTP server"),
            ("220-", "a mail or FTP server"), ("rfb ", "a VNC server"),
        ]
        let start = String(decoding: bytes, as: UTF8.self).asciiLowercased
        return known.first { $0.start.sameBytes(as: start) }?.stranger
    }
}
