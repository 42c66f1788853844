// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamRelay

/// The status of an upstream's answer: the same however the answer arrives, and told by its first twelve bytes.
enum HTTPStatusLines {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        let ways = deliveries(of: bytes)
        let first = read(ways[0])
        for way in ways.dropFirst() { try demand(read(way) == first, "\(first) at once is \(read(way)) in pieces") }
        switch first {
        case .status(let status): try demand((100...999).contains(status), "the status is \(status)")
        case .needsMore: try demand(bytes.count < 12, "\(bytes.count) bytes are not enough")
        case .malformed: break
        }
    }

    private static func read(_ pieces: [[UInt8]]) -> HTTPStatusReader.Progress {
        var reader = HTTPStatusReader()
        var progress = HTTPStatusReader.Progress.needsMore
        for piece in pieces where progress == .needsMore { progress = reader.received(piece) }
        return progress
    }
}
