// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A text, or a collection of texts, in a value that is compared by the bytes of its texts, as the kernel compares
/// paths and an engine compares names.
///
/// Swift takes `é` in its two spellings for the same, so that a file or a label that changed from one to the other
/// would seem unchanged.
@propertyWrapper
public struct Bytewise<Value: _BytewiseValue>: Hashable, Sendable {
    /// The value itself.
    public var wrappedValue: Value

    /// Wraps a value.
    public init(wrappedValue: Value) {
        self.wrappedValue = wrappedValue
    }

    /// Whether all texts have the same bytes.
    public static func == (left: Bytewise, right: Bytewise) -> Bool {
        Value._haveSameBytes(left.wrappedValue, right.wrappedValue)
    }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) {
        wrappedValue._hashBytes(into: &hasher)
    }
}

// A wrapper of public properties has to be public, and with it what its values conform to. The underscores keep both
// out of documentation and completion: no program has a use for them.

/// What ``Bytewise`` can wrap.
public protocol _BytewiseValue: Sendable {
    static func _haveSameBytes(_ left: Self, _ right: Self) -> Bool
    func _hashBytes(into hasher: inout Hasher)
}

extension String: _BytewiseValue {
    public static func _haveSameBytes(_ left: String, _ right: String) -> Bool {
        left.sameBytes(as: right)
    }

    public func _hashBytes(into hasher: inout Hasher) {
        hasher.combine(ByteKey(self))
    }
}

extension Optional: _BytewiseValue where Wrapped: _BytewiseValue {
    public static func _haveSameBytes(_ left: Self, _ right: Self) -> Bool {
        switch (left, right) {
        case (nil, nil): true
        case (let left?, let right?): Wrapped._haveSameBytes(left, right)
        case (nil, _?), (_?, nil): false
        }
    }

    public func _hashBytes(into hasher: inout Hasher) {
        hasher.combine(self != nil)
        self?._hashBytes(into: &hasher)
    }
}

extension Array: _BytewiseValue where Element: _BytewiseValue {
    public static func _haveSameBytes(_ left: Self, _ right: Self) -> Bool {
        left.elementsEqual(right, by: Element._haveSameBytes)
    }

    public func _hashBytes(into hasher: inout Hasher) {
        hasher.combine(count)
        for element in self { element._hashBytes(into: &hasher) }
    }
}

extension Dictionary: _BytewiseValue where Key == String, Value == String {
    public static func _haveSameBytes(_ left: Self, _ right: Self) -> Bool {
        left.count == right.count
            && left.allSatisfy { key, value in
                // The key that is found may be spelt differently.
                guard let place = right.index(forKey: key) else { return false }
                return right[place].key.sameBytes(as: key) && right[place].value.sameBytes(as: value)
            }
    }

    /// The count has to do: a dictionary has no order.
    public func _hashBytes(into hasher: inout Hasher) {
        hasher.combine(count)
    }
}
