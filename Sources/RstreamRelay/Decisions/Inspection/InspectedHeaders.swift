// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The headers of a request or a response, as far as they are kept, with their secrets hidden.
///
/// They are one text: a header costs no allocation of its own while it is read, and most are never looked at.
package struct InspectedHeaders: Hashable, Sendable {
    /// Bytes of the headers of one head; further ones are left out.
    package static let most = 8 * 1_024
    /// Bytes of one value; it is cut, and ends with an ellipsis then.
    package static let longestValue = 1_024
    private static let ellipsis = Array("…".utf8)

    /// A line for each: its name, a colon and its value, which has no line feed.
    private var text: [UInt8] = []
    /// Whether headers are missing.
    package private(set) var isCut = false

    /// What it takes of the memory for requests.
    var size: Int { text.count }

    /// Adds one, if it takes no more than `room` bytes.
    mutating func add(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, room: Int) {
        // Those behind one that is left out are left out too: an order with holes would tell more than there was.
        guard !isCut else { return }
        if SecretNames.isSecret(name) {
            SecretNames.stars.withUnsafeBytes { append(name, $0, room) }
        } else if let shown = HiddenSecrets.shown(in: value) {
            shown.withUnsafeBytes { append(name, $0, room) }
        } else {
            append(name, value, room)
        }
    }

    private mutating func append(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ room: Int) {
        let kept = value.count > Self.longestValue ? Self.longestValue - Self.ellipsis.count : value.count
        isCut = name.count + kept + 5 > min(room, Self.most - text.count)
        guard !isCut else { return }
        if text.isEmpty { text.reserveCapacity(512) }
        text += name
        text.append(UInt8(ascii: ":"))
        text += value.prefix(kept)
        if kept < value.count { text += Self.ellipsis }
        text.append(UInt8(ascii: "\n"))
    }

    /// What it takes beyond ``size``.
    var slack: Int { text.capacity - text.count }

    /// Gives back what it took in advance while it was read, where that is much: it may be kept for long.
    mutating func trim() {
        guard slack > max(128, text.count / 4) else { return }
        var exact: [UInt8] = []
        exact.reserveCapacity(text.count)
        exact += text
        text = exact
    }

    /// They are kept no longer.
    mutating func drop() {
        (text, isCut) = ([], isCut || !text.isEmpty)
    }

    /// The headers in their order. What is no UTF-8 reads as the replacement character.
    package var pairs: [(name: String, value: String)] {
        text.split(separator: UInt8(ascii: "\n")).map { line in
            let name = line.prefix { $0 != UInt8(ascii: ":") }
            return (
                String(decoding: name, as: UTF8.self), String(decoding: line.dropFirst(name.count + 1), as: UTF8.self)
            )
        }
    }
}
