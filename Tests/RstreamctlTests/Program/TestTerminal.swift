// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamTestSupport
import Testing

/// A terminal that is watched and typed at: a window of a tmux of its own.
struct TestTerminal {
    private static let program = "/usr/bin/tmux"

    private let socket: String

    /// Opens a terminal of that size with a shell in it, until `body` returns.
    static func with<Value>(
        columns: Int,
        rows: Int,
        in folder: TemporaryFolder,
        _ body: (TestTerminal) async throws -> Value
    ) async throws -> Value {
        let terminal = TestTerminal(socket: folder.path(of: "tmux"))
        let settings = try folder.write(
            "set -g status off\nset -g escape-time 0\n",
            to: "tmux.conf"
        )
        // A shell without a prompt or settings of whoever runs the tests.
        try await terminal.tmux(
            "-f",
            settings,
            "new-session",
            "-d",
            "-x",
            "\(columns)",
            "-y",
            "\(rows)",
            "env PS1=READY: ENV= TERM=screen sh"
        )
        do {
            try await terminal.wait(for: "the prompt") { $0.contains { $0.hasPrefix("READY:") } }
            let value = try await body(terminal)
            _ = try? await terminal.tmux("kill-server")
            return value
        } catch {
            _ = try? await terminal.tmux("kill-server")
            throw error
        }
    }

    /// What is to be seen, line by line, without what is left of each line's spaces.
    var lines: [String] { get async throws { try await tmux("capture-pane", "-p") } }

    /// The same with colours, as escape sequences.
    var paintedLines: [String] { get async throws { try await tmux("capture-pane", "-p", "-e") } }

    /// Types a line.
    func type(_ text: String) async throws {
        try await tmux("send-keys", "-l", text)
        try await key("Enter")
    }

    /// Presses a key, by tmux's name for it.
    func key(_ name: String) async throws { try await tmux("send-keys", name) }

    func resize(columns: Int, rows: Int) async throws {
        try await tmux("resize-window", "-x", "\(columns)", "-y", "\(rows)")
    }

    /// Whether the second screen is shown, the cursor is, and lines wrap: `0 1 1` in a shell.
    var modes: String {
        get async throws {
            try await tmux("display-message", "-p", "#{alternate_on} #{cursor_flag} #{wrap_flag}").joined()
        }
    }

    /// Waits until what is to be seen fulfils a condition. A terminal tells nobody that it was drawn on, so it is asked
    /// again and again.
    @discardableResult
    func wait(for what: String, _ condition: ([String]) -> Bool) async throws -> [String] {
        let deadline = ContinuousClock.now + testTimeout
        while true {
            let lines = try await lines
            if condition(lines) { return lines }
            guard ContinuousClock.now < deadline else {
                throw DeadlinePassed(what: what, state: lines.joined(separator: "\n"))
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    @discardableResult
    private func tmux(_ arguments: String...) async throws -> [String] {
        let result = try await ProcessHandle.run(Self.program, ["-S", socket] + arguments)
        guard result.exit == .status(0) else {
            throw DeadlinePassed(what: "tmux \(arguments)", state: result.errors.joined(separator: "\n"))
        }
        return result.output
    }
}
