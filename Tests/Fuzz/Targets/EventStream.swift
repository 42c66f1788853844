// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore

@testable import RstreamAdmin

/// The daemon's stream of events as rstreamctl reads it: the same however it arrives, each event on few lines.
enum EventStream {
    private struct Reading: Equatable {
        var items: [EventLines.Item] = []
        var hasFailed = false
    }

    static func check(_ bytes: [UInt8]) throws(Finding) {
        let ways = deliveries(of: bytes)
        let first = read(ways[0])
        for way in ways.dropFirst() {
            let other = read(way)
            // What one read completes is lost with it when that read fails.
            guard !first.hasFailed else {
                try demand(other.hasFailed && other.items.starts(with: first.items), "\(first) is \(other) in pieces")
                continue
            }
            try demand(other == first, "\(first) at once is \(other) in pieces")
        }
    }

    private static func read(_ pieces: [[UInt8]]) -> Reading {
        var (reading, lines) = (Reading(), EventLines(longestEvent: 256))
        for piece in pieces where !reading.hasFailed {
            do throws(AdminClientError) {
                reading.items += try lines.read(ByteBuffer(bytes: piece))
            } catch {
                reading.hasFailed = true
            }
        }
        return reading
    }
}
