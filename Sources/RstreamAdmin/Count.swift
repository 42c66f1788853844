// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A number of things in an answer: from 0 to 2^53, the largest integer that every reader of JSON holds exactly (RFC
/// 8259 §6), so that sums do not overflow. An answer with another number is not decoded.
@propertyWrapper
package struct Count: Hashable, Sendable {
    package static let most = 1 << 53

    private var value: Int

    /// A number out of range becomes the nearest count.
    package init(wrappedValue: Int) { value = min(max(0, wrappedValue), Self.most) }

    package var wrappedValue: Int {
        get { value }
        set { self = Count(wrappedValue: newValue) }
    }
}

extension Count: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: Int) { self.init(wrappedValue: value) }
}

extension Count: CustomStringConvertible {
    package var description: String { "\(wrappedValue)" }
}

extension Count: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let value = try container.decode(Int.self)
        guard (0...Self.most).contains(value) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a count: \(value)")
        }
        self.init(wrappedValue: value)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }
}
