// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc

/// A terminal's second screen, drawn line by line in place, while keys come one by one.
///
/// Belongs to one task. Each ``enter()`` needs a ``leave()``, which restores the terminal's mode and text.
package final class Screen {
    private let input: Int32
    private let output: Int32
    private var savedMode: termios?
    private var isEntered = false

    /// The screen of the terminal behind `output`. Keys come from `input`, if that is a terminal too.
    package init(input: Int32 = STDIN_FILENO, output: Int32 = STDOUT_FILENO) {
        self.input = input
        self.output = output
    }

    package var size: TerminalSize { TerminalSize(of: output) }

    package func enter() {
        guard !isEntered else { return }
        isEntered = true
        var mode = termios()
        if unsafe tcgetattr(input, &mode) == 0 {
            savedMode = mode
            // Keys at once and unseen. Those that stop or suspend stay signals.
            mode.c_lflag &= ~tcflag_t(ICANON | ECHO)
            unsafe tcsetattr(input, TCSANOW, &mode)
        }
        // The second screen, no cursor, and no wrapping of a line that turns out wider than it was measured.
        write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l")
    }

    package func leave() {
        guard isEntered else { return }
        isEntered = false
        write("\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l")
        if var savedMode { unsafe tcsetattr(input, TCSADRAIN, &savedMode) }
        savedMode = nil
    }

    /// Replaces what is shown. Lines may not hold a newline, and there have to be no more than there are rows.
    package func draw(_ lines: [String]) {
        // Each line clears what is left of the one that it replaces, so that nothing flickers.
        let text = lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n")
        write("\u{1B}[H" + text + "\u{1B}[J")
    }

    /// A terminal that is gone takes nothing more, which its hang-up signal says better.
    private func write(_ text: String) { try? DescriptorIO.write(text, to: output) }
}
