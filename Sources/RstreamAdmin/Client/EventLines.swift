internal import NIOCore

/// Reads `text/event-stream` as far as the daemon writes it: the data of each event, comments left out.
struct EventLines {
    /// Events are short; one that is longer than this is no event.
    private static let longestLine = 1 * 1_024 * 1_024

    private var line: [UInt8] = []
    private var data: [String] = []

    /// The data of the events that `buffer` completes.
    mutating func read(_ buffer: ByteBuffer) throws(AdminClientError) -> [String] {
        var events: [String] = []
        for byte in buffer.readableBytesView {
            guard byte == UInt8(ascii: "\n") else {
                guard line.count < Self.longestLine else { throw .badReply("an event without an end") }
                line.append(byte)
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if line.isEmpty, !data.isEmpty {
                events.append(data.joined(separator: "\n"))
                data = []
            } else if line.starts(with: "data:".utf8) {
                var value = line.dropFirst("data:".utf8.count)
                if value.first == UInt8(ascii: " ") { value.removeFirst() }
                data.append(String(decoding: value, as: UTF8.self))
            }
            line = []
        }
        return events
    }
}
