internal import NIOCore

/// Reads `text/event-stream` as far as the daemon writes it: the data of each event, and the one comment that says
/// something.
struct EventLines {
    enum Item: Hashable {
        /// The data of an event.
        case event(String)
        /// What the daemon still held has been told; what follows happens from now on.
        case endOfBacklog
    }

    /// The comment that the daemon writes between what was and what comes.
    static let endOfBacklog = ": end of backlog"

    /// Events are short; one of more bytes than this, all lines of it together, is no event.
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
            // What is no data is not kept.
            if data.isEmpty { size = 0 }
            line.removeAll(keepingCapacity: true)
        }
        return items
    }
}
