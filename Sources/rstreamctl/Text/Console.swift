// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import RstreamModel

/// Where a command writes: results to standard output, everything else to standard error.
struct Console: Sendable {
    /// Whether standard output is a terminal.
    let isTerminal: Bool
    /// Columns that a result should not be wider than.
    let columns: Int
    /// How results are painted.
    let paint: Paint
    private let errorPaint: Paint

    init(environment: [String: String]) {
        isTerminal = TerminalSize.isTerminal(STDOUT_FILENO)
        columns = isTerminal ? TerminalSize(of: STDOUT_FILENO).columns : 80
        paint = Paint(isTerminal: isTerminal, environment: environment)
        errorPaint = Paint(isTerminal: TerminalSize.isTerminal(STDERR_FILENO), environment: environment)
    }

    /// Writes lines of a result.
    func write(_ lines: [Line]) throws(Failure) {
        try write(Array(lines.map { $0.painted(paint) + "\n" }.joined().utf8))
    }

    /// Writes what the daemon wrote, with a newline at the end: unchanged, but with escapes on a terminal.
    func write(document bytes: [UInt8]) throws(Failure) {
        guard !bytes.isEmpty else { return }
        let end: [UInt8] = bytes.last == UInt8(ascii: "\n") ? [] : [UInt8(ascii: "\n")]
        guard isTerminal else { return try write(bytes + end) }
        let lines = String(decoding: bytes, as: UTF8.self).split(byte: "\n", omittingEmpty: false)
        try write(Array(lines.map(\.printable).joined(separator: "\n").utf8) + end)
    }

    /// Writes a line to standard error.
    func complain(_ line: Line) {
        try? DescriptorIO.write(line.painted(errorPaint) + "\n", to: STDERR_FILENO)
    }

    /// Writes the messages of a failure to standard error.
    func complain(_ failure: Failure) {
        let lines = failure.messages.flatMap { $0.split(byte: "\n", omittingEmpty: false) }
        for (index, line) in lines.enumerated() { complain(Line((index == 0 ? "rstreamctl: " : "") + String(line))) }
    }

    private func write(_ bytes: [UInt8]) throws(Failure) {
        do throws(SystemError) {
            try DescriptorIO.write(bytes, to: STDOUT_FILENO)
        } catch {
            if error.code == EPIPE {
                // The reader has seen enough (`| head`). Sockets made this process ignore the signal that says so.
                signal(SIGPIPE, SIG_DFL)
                raise(SIGPIPE)
            }
            throw Failure(.failed, "standard output: \(error.reason)")
        }
    }
}
