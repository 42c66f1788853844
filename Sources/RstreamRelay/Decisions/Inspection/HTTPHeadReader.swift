// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc

/// How the body behind a head is delimited, as its fields say (RFC 9112 §6).
struct HTTPFraming: Hashable, Sendable {
    /// `Content-Length`.
    var length: Int?
    var hasCodings = false
    /// Whether the last of the transfer codings is `chunked`.
    var isChunked = false
    /// Whether it is the only one.
    var isOnlyChunked = false

    /// Reads a field's value. Returns false for one that says nothing, or not the same as another one.
    mutating func read(length value: UnsafeRawBufferPointer) -> Bool {
        // More digits than any body has would not fit.
        guard !value.isEmpty, value.count <= 18 else { return false }
        var length = 0
        for byte in value {
            guard (0x30...0x39).contains(byte) else { return false }
            length = length * 10 + Int(byte - 0x30)
        }
        defer { self.length = length }
        return self.length == nil || self.length == length
    }

    /// Reads a field's value. Returns false where there was one already.
    mutating func read(codings value: UnsafeRawBufferPointer) -> Bool {
        guard !hasCodings else { return false }
        hasCodings = true
        isOnlyChunked = value.isWord("chunked")
        let start = value.lastIndex(of: UInt8(ascii: ",")).map { $0 + 1 } ?? 0
        isChunked = value.part(start..<value.count).withoutSpace.isWord("chunked")
        return true
    }
}

/// Reads one head of HTTP/1 as its bytes come: its first line, how its body is delimited, and its headers without
/// secrets. It stops at what a careful receiver would refuse (RFC 9112): two receivers may understand that differently.
struct HTTPHeadReader: Hashable, Sendable {
    enum Progress: Hashable, Sendable {
        case needsMore
        case complete
        case tooLong
        case malformed
        /// It takes more than its limit of the memory for requests.
        case noMemory
    }

    /// Bytes of a line, and of all lines of a head.
    static let longestLine = 16 * 1_024
    static let longest = 64 * 1_024

    private let isResponse: Bool
    /// A line of which the end has not come.
    private var part: [UInt8] = []
    private var length = 0
    /// Whether the last line may not be gone on with: a header that says how the body is delimited, or the first line,
    /// behind which some receivers take a header for one that begins with a space.
    private var endsWithLine = true
    private(set) var firstLine: [UInt8] = []
    private(set) var framing = HTTPFraming()
    private(set) var headers = InspectedHeaders()

    init(ofResponse isResponse: Bool) {
        self.isResponse = isResponse
    }

    /// Whether any byte of the head has come.
    var isBegun: Bool { length > 0 }

    /// What it takes of the memory for requests.
    var size: Int { part.count + firstLine.count + headers.size }

    /// Reads on. `limit` is what it may take of the memory for requests: headers beyond it are not kept.
    mutating func read(_ bytes: inout ByteCursor, limit: Int) -> Progress {
        while let (piece, isWhole) = bytes.line() {
            length += piece.count + (isWhole ? 1 : 0)
            guard length <= Self.longest, part.count + piece.count <= Self.longestLine else { return .tooLong }
            if firstLine.isEmpty, part.isEmpty, let byte = piece.first, !mayBegin(with: byte) { return .malformed }
            guard isWhole else {
                part += piece
                break
            }
            let progress: Progress
            if part.isEmpty {
                progress = read(line: piece, limit)
            } else {
                let line = part + piece
                // Its memory too: lines are kept in part only, and a stream may wait for its next one for long.
                part = []
                progress = line.withUnsafeBytes { read(line: $0, limit) }
            }
            guard progress == .needsMore else { return progress }
        }
        // A first line that is whole has not been weighed yet.
        return size <= limit ? .needsMore : .noMemory
    }

    /// What is no HTTP/1 at all, such as TLS, is known by its first byte.
    private func mayBegin(with byte: UInt8) -> Bool {
        isResponse ? byte == UInt8(ascii: "H") : byte.isOfToken || byte == 0x0D
    }

    private mutating func read(line: UnsafeRawBufferPointer, _ limit: Int) -> Progress {
        let line = line.last == 0x0D ? line.part(0..<line.count - 1) : line
        guard let first = line.first else {
            // Empty lines in front of a request are left over from older clients (RFC 9112 §2.2).
            guard firstLine.isEmpty else { return .complete }
            length = 0
            return isResponse ? .malformed : .needsMore
        }
        // Some receivers end a line, or a text, there.
        guard !line.has(byte: 0x0D), !line.has(byte: 0) else { return .malformed }
        guard !firstLine.isEmpty else {
            firstLine = Array(line)
            return .needsMore
        }
        if first == 0x20 || first == 0x09 {
            // A line that goes on with the header before it, which is obsolete, is not kept.
            return endsWithLine ? .malformed : .needsMore
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return .malformed }
        let name = line.part(0..<colon)
        guard name.allSatisfy(\.isOfToken) else { return .malformed }
        let value = line.part(colon + 1..<line.count).withoutSpace
        endsWithLine = true
        if name.isWord("content-length") {
            guard framing.read(length: value) else { return .malformed }
        } else if name.isWord("transfer-encoding") {
            guard framing.read(codings: value) else { return .malformed }
        } else {
            endsWithLine = false
        }
        guard framing.length == nil || !framing.hasCodings else { return .malformed }
        headers.add(name, value, room: limit - size)
        return .needsMore
    }
}

/// Bytes that pass, and how many of them are read.
struct ByteCursor {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var count: Int { bytes.count - offset }

    /// The next byte.
    mutating func next() -> UInt8? {
        guard offset < bytes.count else { return nil }
        defer { offset += 1 }
        return bytes[offset]
    }

    /// The next bytes, so many at most.
    mutating func piece(_ most: Int) -> UnsafeRawBufferPointer {
        let start = offset
        offset += min(most, count)
        return bytes.part(start..<offset)
    }

    /// The bytes up to the next line feed, without it, or all where there is none; nil when there are no bytes.
    mutating func line() -> (bytes: UnsafeRawBufferPointer, isWhole: Bool)? {
        guard let base = bytes.baseAddress, offset < bytes.count else { return nil }
        let start = offset
        guard let end = memchr(base + start, 0x0A, count) else {
            offset = bytes.count
            return (bytes.part(start..<offset), false)
        }
        let place = UnsafeRawPointer(end) - base
        offset = place + 1
        return (bytes.part(start..<place), true)
    }
}

extension UnsafeRawBufferPointer {
    func part(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self[range]) }

    /// The same without spaces and tabs at either end.
    var withoutSpace: UnsafeRawBufferPointer {
        var (start, end) = (0, count)
        while start < end, self[start] == 0x20 || self[start] == 0x09 { start += 1 }
        while start < end, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
        return part(start..<end)
    }
}
