// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore

/// Cuts the stream of events into lines, of which each is an object of JSON.
package struct EventLines {
    /// Bytes of a line. An event has all labels of its container in it.
    package static let longest = 1 * 1_024 * 1_024

    package enum Item: Hashable, Sendable {
        /// A line, without its end.
        case line([UInt8])
        /// A line of more bytes, which are gone.
        case tooLong
    }

    private let longest: Int
    private var line: [UInt8] = []
    private var isTooLong = false

    package init(longest: Int = Self.longest) {
        self.longest = longest
    }

    /// What `buffer` completes. Blank lines are nothing.
    package mutating func read(_ buffer: ByteBuffer) -> [Item] {
        var items: [Item] = []
        var rest = buffer.readableBytesView[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            keep(rest[..<end])
            if isTooLong {
                items.append(.tooLong)
            } else if line.contains(where: { $0 > 0x20 }) {
                items.append(.line(line))
            }
            (line, isTooLong) = ([], false)
            rest = rest[rest.index(after: end)...]
        }
        keep(rest)
        return items
    }

    private mutating func keep(_ bytes: some Collection<UInt8>) {
        guard !isTooLong, bytes.count <= longest - line.count else {
            (line, isTooLong) = ([], true)
            return
        }
        line += bytes
    }
}
