// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DockerTunnels
import NIOCore

/// The stream of events that `rstreamd-docker` reads: the same lines however they arrive, none of them too long, and each
/// is a reason to list the containers or none.
enum ContainerEvents {
    private static let longest = 256

    static func check(_ bytes: [UInt8]) throws(Finding) {
        let ways = deliveries(of: bytes)
        let first = read(ways[0])
        for way in ways.dropFirst() { try demand(read(way) == first, "\(first) at once is \(read(way)) in pieces") }
        for case .line(let line) in first {
            try demand(line.count <= longest && !line.contains(0x0A), "a line is \(line.text.debugDescription)")
            _ = ContainerEvent.concernsListing(line)
        }
    }

    private static func read(_ pieces: [[UInt8]]) -> [EventLines.Item] {
        var lines = EventLines(longest: longest)
        return pieces.flatMap { lines.read(ByteBuffer(bytes: $0)) }
    }
}
