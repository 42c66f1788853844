// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Finds the end of one body of HTTP/1.
enum HTTPBodyReader: Hashable, Sendable {
    case empty
    /// So many bytes are left.
    case length(Int)
    case chunked(Chunk)
    /// It ends with the connection.
    case untilClose

    /// Where in a chunked body the next byte stands (RFC 9112 §7.1). Its lines end with CR and LF and have neither
    /// alone, which some receivers take for their end and some do not.
    enum Chunk: Hashable, Sendable {
        /// In the digits of a chunk's size, of which so many have come.
        case size(Int, digits: Int)
        /// Behind them in the line, of which so many bytes have come.
        case rest(Int, afterCR: Bool, length: Int)
        /// In its bytes, of which so many are left.
        case bytes(Int)
        /// Behind them.
        case end(afterCR: Bool)
        /// In the lines behind the last chunk, of which so many bytes have come.
        case trailer(lineIsEmpty: Bool, afterCR: Bool, length: Int)
    }

    /// Bytes of a chunk's line beside its size, and of all lines behind the last chunk.
    static let longestExtension = 4 * 1_024
    static let longestTrailer = HTTPHeadReader.longest
    /// Digits of a size that fits.
    private static let mostDigits = 15

    /// The body behind a request's head.
    init(ofRequest framing: HTTPFraming) {
        if framing.isChunked {
            self = .chunked(.size(0, digits: 0))
        } else {
            self = framing.length.map { .length($0) } ?? .empty
        }
    }

    /// The body behind a response's head; `isAbsent` where a response to this request, or with this status, has none.
    init(ofResponse framing: HTTPFraming, isAbsent: Bool) {
        if isAbsent {
            self = .empty
        } else if framing.hasCodings {
            self = framing.isChunked ? .chunked(.size(0, digits: 0)) : .untilClose
        } else {
            self = framing.length.map { .length($0) } ?? .untilClose
        }
    }

    enum Progress: Hashable, Sendable {
        case needsMore
        case complete
        case malformed
    }

    /// Reads on, and calls `take` with each piece of the body, without what delimits its chunks.
    mutating func read(_ bytes: inout ByteCursor, _ take: (UnsafeRawBufferPointer) -> Void) -> Progress {
        switch self {
        case .empty: return .complete
        case .length(let left):
            let piece = bytes.piece(left)
            take(piece)
            self = .length(left - piece.count)
            return piece.count == left ? .complete : .needsMore
        case .untilClose:
            take(bytes.piece(bytes.count))
            return .needsMore
        case .chunked(var chunk):
            let progress = Self.read(&chunk, &bytes, take)
            self = .chunked(chunk)
            return progress
        }
    }

    private static func read(
        _ chunk: inout Chunk,
        _ bytes: inout ByteCursor,
        _ take: (UnsafeRawBufferPointer) -> Void
    ) -> Progress {
        while bytes.count > 0 {
            if case .bytes(let left) = chunk {
                let piece = bytes.piece(left)
                take(piece)
                chunk = piece.count == left ? .end(afterCR: false) : .bytes(left - piece.count)
                continue
            }
            guard let byte = bytes.next() else { return .needsMore }
            switch chunk {
            case .size(let size, let digits):
                if let digit = byte.hexadecimal {
                    guard digits < mostDigits else { return .malformed }
                    chunk = .size(size << 4 | Int(digit), digits: digits + 1)
                } else {
                    let mayFollow = byte == 0x0D || byte == 0x20 || byte == 0x09 || byte == UInt8(ascii: ";")
                    guard digits > 0, mayFollow else { return .malformed }
                    chunk = .rest(size, afterCR: byte == 0x0D, length: 1)
                }
            case .rest(let size, let afterCR, let length):
                guard length < longestExtension, afterCR == (byte == 0x0A) else { return .malformed }
                chunk = afterCR ? after(size) : .rest(size, afterCR: byte == 0x0D, length: length + 1)
            case .end(let afterCR):
                guard byte == (afterCR ? 0x0A : 0x0D) else { return .malformed }
                chunk = afterCR ? .size(0, digits: 0) : .end(afterCR: true)
            case .trailer(let isEmpty, let afterCR, let length):
                guard length < longestTrailer, afterCR == (byte == 0x0A) else { return .malformed }
                if afterCR, isEmpty { return .complete }
                let isCR = byte == 0x0D
                chunk = .trailer(lineIsEmpty: afterCR || isCR && isEmpty, afterCR: isCR, length: length + 1)
            case .bytes: break
            }
        }
        return .needsMore
    }

    private static func after(_ size: Int) -> Chunk {
        size == 0 ? .trailer(lineIsEmpty: true, afterCR: false, length: 0) : .bytes(size)
    }
}
