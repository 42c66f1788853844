// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore

/// Reads `text/event-stream` as the daemon writes it: the data of each event, and the comment that ends the backlog.
struct EventLines {
    enum Item: Hashable {
        /// The data of an event.
        case event(String)
        /// The stored events have been read; those that follow happen from now on.
        case endOfBacklog
    }

    /// The comment that the daemon writes between stored and new events.
    static let endOfBacklog = ": end of backlog"

    /// Bytes of an event, all its lines together. Events are short; a longer one is an error.
    private let longestEvent: Int
    private var line: [UInt8] = []
    private var data: [String] = []
    /// Bytes of ``line`` and ``data``, and one for each line.
    private var size = 0

    init(longestEvent: Int = 1 * 1_024 * 1_024) { self.longestEvent = longestEvent }

    /// What `buffer` completes.
    mutating func read(_ buffer: ByteBuffer) throws(AdminClientError) -> [Item] {
        var items: [Item] = []
        for byte in buffer.readableBytesView {
            size += 1
            guard size <= longestEvent else { throw .badReply("an event without an end") }
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if line.isEmpty, !data.isEmpty {
                items.append(.event(data.joined(separator: "\n")))
                data = []
                size = 0
            } else if line.elementsEqual(Self.endOfBacklog.utf8) {
                items.append(.endOfBacklog)
            } else if line.starts(with: "data:".utf8) {
                var value = line.dropFirst("data:".utf8.count)
                if value.first == UInt8(ascii: " ") { value.removeFirst() }
                data.append(String(decoding: value, as: UTF8.self))
            }
            // Other fields and comments are not kept.
            if data.isEmpty { size = 0 }
            line.removeAll(keepingCapacity: true)
        }
        return items
    }
}
