// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Byte strings that are looked for all at once (Aho and Corasick's automaton): each byte of a text is a step forward
/// in the longest beginning of one of them that ends there, and however many there are, a text costs its length.
struct PatternTable: Sendable {
    private struct Node {
        /// The first of its children, and the next one of its parent's.
        var child: Int32 = -1
        var sibling: Int32 = -1
        /// Where the longest other beginning is that ends where this one does.
        var fallback: Int32 = 0
        /// Bytes from the start.
        var depth: Int32 = 0
        /// Bytes of the longest whole pattern that ends here.
        var match: Int32 = 0
        var byte: UInt8 = 0
    }

    /// How long a beginning must be to count as the secret: anywhere, and where the text seems to be cut off.
    private static let tellingLength = 16
    private static let cutLength = 8

    private var nodes = [Node()]

    var isEmpty: Bool { nodes.count == 1 }

    mutating func add(_ pattern: [UInt8]) {
        // Beyond this no node has a number, and no secret is that long.
        guard !pattern.isEmpty, nodes.count + pattern.count < Int32.max else { return }
        var node: Int32 = 0
        for byte in pattern { node = child(of: node, byte) ?? addChild(of: node, byte) }
        nodes[Int(node)].match = nodes[Int(node)].depth
    }

    /// Must be called after the last ``add(_:)``.
    mutating func link() {
        // Shorter beginnings before longer ones.
        var queue: [Int32] = [0]
        var next = 0
        while next < queue.count {
            let parent = queue[next]
            next += 1
            var child = nodes[Int(parent)].child
            while child >= 0 {
                if parent != 0 {
                    let fallback = step(from: nodes[Int(parent)].fallback, nodes[Int(child)].byte)
                    nodes[Int(child)].fallback = fallback
                    if nodes[Int(child)].match == 0 { nodes[Int(child)].match = nodes[Int(fallback)].match }
                }
                queue.append(child)
                child = nodes[Int(child)].sibling
            }
        }
    }

    /// Calls `found` with the place of everything that tells a pattern, in the order of the ends. `reading` says what a
    /// byte stands for, or that it is to be passed over.
    func scan(_ text: [UInt8], reading: (UInt8) -> UInt8?, found: (Range<Int>) -> Void) {
        guard !isEmpty else { return }
        // Where the last bytes that were read stand, enough for the longest pattern.
        var places = Array(repeating: 0, count: Int(nodes.reduce(0) { max($0, $1.depth) }) + 1)
        var count = 0
        var state: Int32 = 0
        func report(_ length: Int32) {
            let first = places[(count - Int(length)) % places.count]
            let last = places[(count - 1) % places.count]
            found(first..<last + 1)
        }
        for (index, byte) in text.enumerated() {
            guard let byte = reading(byte) else { continue }
            let depth = nodes[Int(state)].depth
            let next = step(from: state, byte)
            // A beginning ends here without becoming more.
            if nodes[Int(next)].depth != depth + 1, tells(depth, followedBy: text[index...]) { report(depth) }
            state = next
            places[count % places.count] = index
            count += 1
            if nodes[Int(state)].match > 0 { report(nodes[Int(state)].match) }
        }
        let depth = nodes[Int(state)].depth
        if tells(depth, followedBy: []) { report(depth) }
    }

    private func tells(_ length: Int32, followedBy rest: ArraySlice<UInt8>) -> Bool {
        guard length < Self.tellingLength else { return true }
        guard length >= Self.cutLength else { return false }
        guard let next = rest.first else { return true }
        switch next {
        case 0x0A, 0x0D, UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"): return true
        default: return rest.starts(with: "…".utf8) || rest.starts(with: "...".utf8)
        }
    }

    private func step(from state: Int32, _ byte: UInt8) -> Int32 {
        var state = state
        while true {
            if let child = child(of: state, byte) { return child }
            guard state != 0 else { return 0 }
            state = nodes[Int(state)].fallback
        }
    }

    private func child(of node: Int32, _ byte: UInt8) -> Int32? {
        var child = nodes[Int(node)].child
        while child >= 0 {
            if nodes[Int(child)].byte == byte { return child }
            child = nodes[Int(child)].sibling
        }
        return nil
    }

    private mutating func addChild(of node: Int32, _ byte: UInt8) -> Int32 {
        let new = Int32(nodes.count)
        nodes.append(
            Node(sibling: nodes[Int(node)].child, depth: nodes[Int(node)].depth + 1, byte: byte)
        )
        nodes[Int(node)].child = new
        return new
    }
}
