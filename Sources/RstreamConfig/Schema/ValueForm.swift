// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// What may stand under a key. The reader takes ranges and words from here, and the schema says the same.
enum ValueForm: Hashable, Sendable {
    /// The number of the files' format.
    case version
    /// Yes or no, in the words of ``FlagWords``.
    case flag
    /// A whole number.
    case number(ClosedRange<Int>)
    /// The published port of a tunnel, which is a matter of ``TunnelSpec``: the tunnel's rules say what is wrong.
    case port
    /// A number and its unit, at most a year.
    case duration(mayBeZero: Bool)
    /// The same, neither shorter nor longer than these.
    case durationWithin(ClosedRange<Duration>)
    /// Permission bits in octal.
    case mode
    /// One of these words, in any case; one that may be blank then counts as not set.
    case word([String], mayBeBlank: Bool = false)
    /// One text.
    case text(TextForm)
    /// A list of texts.
    case texts(TextForm)
    /// A list of words, in any case.
    case words([String])
    /// Names and values that are the user's own: at most `most`, with keys and values of so many bytes.
    case pairs(most: Int, longestKey: Int?, longestValue: Int?, mayBeNull: Bool)
    /// The name of a context, or a mapping that is one.
    case context
}

/// The words of YAML 1.1 for yes and no, in any case.
enum FlagWords {
    static let yes = ["true", "yes", "on", "y"]
    static let no = ["false", "no", "off", "n"]
}
