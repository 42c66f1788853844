// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Testing

/// What work on an input costs, and on one that is four times as long: "no input costs more than its length".
///
/// The processor's time of the calling thread is measured, so other work of the host does not count. It still slows what it
/// shares a core and its caches with, up to some three times, so the limit is as far from a line as from a square, the best
/// of several measurements is taken, and more are asked for while the two seem to grow too fast: what really does, does so
/// every time. Debug builds are some ten times slower and get shorter inputs.
package struct Growth: CustomStringConvertible {
    #if DEBUG
    /// The length, in bytes or items of some bytes, of the input that has to be done with in ``limit``.
    package static let longest = 128 * 1_024
    package static let limit = Duration.seconds(4)
    #else
    package static let longest = 4 * 1_024 * 1_024
    package static let limit = Duration.seconds(2)
    #endif
    /// How many times as long the longer input is.
    private static let ratio = 4
    /// What the longer input may cost, in times of the shorter one's cost: a line would be 4, a square 16.
    private static let factor = 8
    /// Below this, a measurement says nothing about growth.
    private static let resolution = Duration.milliseconds(60)

    /// Texts that are long in other ways than `x`: what Swift normalises in a square of their length, or has to look
    /// through from the front to find one character.
    package static let units = ["x", "\u{301}\u{323}", "\u{1F1E9}\u{1F1EA}", "\u{200D}\u{1F469}", "\r\n", "\u{1B}"]

    /// How often either is measured, at least and at most.
    private static let rounds = 3...12

    private var quarter = Duration.seconds(1_000)
    package private(set) var whole = Duration.seconds(1_000)

    /// Does `work` on what `input` makes of a number of bytes, and of a quarter of it.
    package init<Input>(
        of length: Int = longest,
        _ input: (Int) throws -> Input,
        _ work: (Input) throws -> Void
    ) rethrows {
        let (shorter, longer) = (try input(length / Self.ratio), try input(length))
        for round in 1...Self.rounds.upperBound {
            quarter = min(quarter, try Self.cost { try work(shorter) })
            // What is far too slow is slow once.
            guard quarter <= Self.limit else { return }
            whole = min(whole, try Self.cost { try work(longer) })
            if round >= Self.rounds.lowerBound && isLinear { return }
        }
    }

    /// Checks `body` on inputs that `make` makes of about so many bytes: the longest one is done with in time, and costs at
    /// most eight times as much as its quarter.
    package static func expectLinear<Input>(
        _ comment: String = "",
        length: Int = Self.longest,
        fileID: String = #fileID,
        filePath: String = #filePath,
        line: Int = #line,
        column: Int = #column,
        of make: (_ length: Int) -> Input,
        _ body: (Input) throws -> Void
    ) rethrows {
        let growth = try Growth(of: length, make, body)
        let place = SourceLocation(fileID: fileID, filePath: filePath, line: line, column: column)
        #expect(growth.isLinear, "\(comment): \(growth)", sourceLocation: place)
    }

    /// So many bytes of a text, as far as it is whole.
    package static func text(_ unit: String, _ bytes: Int) -> String {
        String(repeating: unit, count: bytes / unit.utf8.count)
    }

    /// Whether it is quick, and its cost grows like a line. What takes no time at all says nothing about that.
    package var isLinear: Bool {
        quarter <= Self.limit && whole <= max(quarter * Self.factor, Self.resolution)
    }

    package var description: String { "\(whole), for a quarter of the input \(quarter)" }

    /// The processor's time that `work` takes of the calling thread.
    package static func cost(_ work: () throws -> Void) rethrows -> Duration {
        let start = now
        try work()
        return now - start
    }

    private static var now: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}

/// Texts that are expensive for code that treats characters as bytes.
package enum HardText: String, CaseIterable, Sendable, CustomStringConvertible {
    /// Marks below and above, out of their order: a square to put in order.
    case marks = "\u{301}\u{323}"
    /// Pairs of these are one character, so that looking back goes to the start of the run.
    case flags = "\u{1F1E6}"
    /// One character of any length.
    case joiners = "\u{1F469}\u{200D}"
    /// What nothing is special about.
    case letters = "a"

    package var description: String {
        switch self {
        case .marks: "combining marks"
        case .flags: "regional flags"
        case .joiners: "joined characters"
        case .letters: "letters"
        }
    }

    /// As many of them as fit into so many bytes, behind a letter.
    package func text(_ length: Int) -> String {
        "x" + String(repeating: rawValue, count: max(1, length / rawValue.utf8.count))
    }
}
