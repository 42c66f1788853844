internal import RstreamConfig

/// A duration on a command line: a number and `ms`, `s`, `m` or `h`, as the configuration has it (contract §3.1).
package struct DurationText: Hashable, Sendable {
    package let duration: Duration

    package static func seconds(_ seconds: Int) -> Self { Self(duration: .seconds(seconds)) }

    private init(duration: Duration) { self.duration = duration }

    /// An argument is one word, so there is no white space in it.
    package init?(_ text: String) {
        guard !text.contains(where: \.isWhitespace), let duration = Duration(configured: text),
            duration <= .longestConfigured
        else { return nil }
        self.init(duration: duration)
    }
}
