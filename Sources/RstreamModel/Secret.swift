/// A text that must not be shown: it prints as `***`, also inside other values.
public struct Secret: Hashable, Sendable {
    private let text: String

    /// Wraps `text`.
    public init(_ text: String) {
        self.text = text
    }

    /// Hands the text to the one place that must have it: the wire or TLS.
    public func reveal() -> String { text }

    /// Whether there is nothing but white space in it, which counts as not set.
    public var isBlank: Bool { text.allSatisfy(\.isWhitespace) }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always `***`.
    public var description: String { "***" }
    /// Always `***`.
    public var debugDescription: String { "***" }
    /// Hides the text from `dump` and from string interpolation of enclosing values.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
