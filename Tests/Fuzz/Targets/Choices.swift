// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Makes decisions of an input's bytes. At their end every decision is the first one.
struct Choices {
    private var bytes: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

    var isOver: Bool { bytes.isEmpty }

    mutating func byte() -> UInt8 { bytes.popFirst() ?? 0 }

    /// A number below a limit that is not zero.
    mutating func number(below limit: Int) -> Int { Int(byte()) % limit }

    mutating func bool() -> Bool { byte() & 1 == 1 }

    /// One of some values; nil if there are none.
    mutating func one<Value>(of values: some Collection<Value>) -> Value? {
        guard !values.isEmpty else { return nil }
        return values[values.index(values.startIndex, offsetBy: number(below: values.count))]
    }

    /// At most so many bytes, as they are.
    mutating func take(_ count: Int) -> [UInt8] {
        defer { bytes = bytes.dropFirst(count) }
        return Array(bytes.prefix(count))
    }
}

/// The ways in which bytes may come over a connection: at once, one by one, and in pieces of a few.
func deliveries(of bytes: [UInt8]) -> [[[UInt8]]] {
    [bytes.count, 1, 7].map { size in
        stride(from: 0, to: bytes.count, by: max(1, size)).map { Array(bytes[$0..<min(bytes.count, $0 + size)]) }
    }
}

extension [UInt8] {
    /// The bytes as a text, as far as they are UTF-8.
    var text: String { String(decoding: self, as: UTF8.self) }

    func contains(_ part: [UInt8]) -> Bool {
        !part.isEmpty && indices.contains { self[$0...].starts(with: part) }
    }
}
