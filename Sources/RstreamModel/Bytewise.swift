/// What stands in a value and is compared by the bytes of its texts, as the kernel compares paths and a peer what it is
/// told. Swift takes `é` in its two spellings for the same, so that a file that was renamed from one to the other, or a
/// label that was, would be no change.
@propertyWrapper
public struct Bytewise<Value: BytewiseValue>: Hashable, Sendable {
    /// The value itself.
    public var wrappedValue: Value

    /// Wraps a value.
    public init(wrappedValue: Value) {
        self.wrappedValue = wrappedValue
    }

    /// Whether all texts have the same bytes.
    public static func == (left: Bytewise, right: Bytewise) -> Bool {
        Value.haveSameBytes(left.wrappedValue, right.wrappedValue)
    }

    /// Takes in what tells two values apart.
    public func hash(into hasher: inout Hasher) {
        wrappedValue.hashBytes(into: &hasher)
    }
}

/// A text, or a collection of texts.
public protocol BytewiseValue: Sendable {
    /// Whether all texts have the same bytes.
    static func haveSameBytes(_ left: Self, _ right: Self) -> Bool
    /// Takes in bytes that are the same for values that have the same.
    func hashBytes(into hasher: inout Hasher)
}

extension String: BytewiseValue {
    /// Whether both have the same bytes.
    public static func haveSameBytes(_ left: String, _ right: String) -> Bool {
        left.sameBytes(as: right)
    }

    /// Takes in the bytes.
    public func hashBytes(into hasher: inout Hasher) {
        hasher.combine(ByteKey(self))
    }
}

extension Optional: BytewiseValue where Wrapped: BytewiseValue {
    /// Whether both are nil, or have the same bytes.
    public static func haveSameBytes(_ left: Self, _ right: Self) -> Bool {
        switch (left, right) {
        case (nil, nil): true
        case (let left?, let right?): Wrapped.haveSameBytes(left, right)
        case (nil, _?), (_?, nil): false
        }
    }

    /// Takes in the bytes of what is there.
    public func hashBytes(into hasher: inout Hasher) {
        hasher.combine(self != nil)
        self?.hashBytes(into: &hasher)
    }
}

extension Array: BytewiseValue where Element: BytewiseValue {
    /// Whether both have as many texts, and each the same bytes.
    public static func haveSameBytes(_ left: Self, _ right: Self) -> Bool {
        left.elementsEqual(right, by: Element.haveSameBytes)
    }

    /// Takes in the bytes of all.
    public func hashBytes(into hasher: inout Hasher) {
        hasher.combine(count)
        for element in self { element.hashBytes(into: &hasher) }
    }
}

extension Dictionary: BytewiseValue where Key == String, Value == String {
    /// Whether both have the same keys, and each key the same value, byte by byte.
    public static func haveSameBytes(_ left: Self, _ right: Self) -> Bool {
        left.count == right.count
            && left.allSatisfy { key, value in
                // The key that is found may be spelt differently.
                guard let place = right.index(forKey: key) else { return false }
                return right[place].key.sameBytes(as: key) && right[place].value.sameBytes(as: value)
            }
    }

    /// Takes in how many there are, which has to do: they have no order.
    public func hashBytes(into hasher: inout Hasher) {
        hasher.combine(count)
    }
}
