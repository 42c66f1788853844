/// A word of an answer of which a daemon of another version may have others: one that is not known here is kept, and
/// shown as it came.
package protocol OpenEnum: RawRepresentable<String>, Codable, Hashable, Sendable, CaseIterable {}
