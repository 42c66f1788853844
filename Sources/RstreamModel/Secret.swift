// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A text that must not be shown: it prints as `***`, also inside other values.
///
/// Its bytes are in memory of their own, which is overwritten when the last copy of the secret goes. What ``reveal()``
/// returns is an ordinary text and is not. Two secrets are compared byte by byte, in a time that tells nothing of what
/// they hold.
public struct Secret: Hashable, Sendable {
    private let storage: SecretStorage

    /// Wraps `text`.
    public init(_ text: String) {
        var text = text
        storage = text.withUTF8 { SecretStorage(UnsafeRawBufferPointer($0), in: .current) }
    }

    /// Wraps a text that is at hand as bytes, and keeps it in `memory`.
    package init(bytes: UnsafeRawBufferPointer, in memory: SecretMemory = .current) {
        storage = SecretStorage(bytes, in: memory)
    }

    /// Hands the text to the one place that must have it: the wire or TLS.
    public func reveal() -> String { withBytes { String(decoding: $0, as: UTF8.self) } }

    /// The same without a copy; the bytes must not be kept.
    package func withBytes<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
        try withExtendedLifetime(storage) { try body(UnsafeRawBufferPointer(storage.bytes)) }
    }

    /// How many bytes there are.
    package var count: Int { storage.bytes.count }

    /// The same without ASCII's white space at either end.
    package var trimmed: Secret {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        return withBytes { bytes in
            let start = bytes.firstIndex { !isSpace($0) } ?? 0
            let end = bytes.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? start
            return Secret(bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
        }
    }

    /// Whether there is nothing but white space in it, which counts as not set.
    public var isBlank: Bool {
        withBytes { bytes in
            // Most secrets say it with their first byte.
            if bytes.contains(where: { (0x21...0x7E).contains($0) }) { return false }
            return String(decoding: bytes, as: UTF8.self).unicodeScalars.allSatisfy(\.properties.isWhitespace)
        }
    }

    /// Compares all bytes, wherever the first difference is.
    public static func == (left: Secret, right: Secret) -> Bool {
        left.withBytes { left in
            right.withBytes { right in
                guard left.count == right.count else { return false }
                return zip(left, right).reduce(into: 0 as UInt8) { $0 |= $1.0 ^ $1.1 } == 0
            }
        }
    }

    /// Takes in the bytes.
    public func hash(into hasher: inout Hasher) {
        withBytes { hasher.combine(bytes: $0) }
        hasher.combine(count)
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always `***`.
    public var description: String { "***" }
    /// Always `***`.
    public var debugDescription: String { "***" }
    /// Hides the text from `dump` and from string interpolation of enclosing values.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
