// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel

/// `rstreamctl events`: one event, on a line of its own, with its fix below.
struct EventView: Hashable, Sendable {
    /// As long as the longest type that is common.
    private static let typeColumns = 16

    let lines: [Line]

    init(_ event: Event) {
        let padding = String(repeating: " ", count: max(0, Self.typeColumns - event.type.terminalColumns))
        var line = Line([
            Piece("\(event.time) ", .faint), Piece(event.type, Self.tone(event.type)), Piece(padding),
        ])
        for fact in Self.facts(event) { line.pieces.append(Piece(" " + fact)) }
        if let error = event.error {
            line.pieces += [Piece(": "), Piece(error.message, .bad), Piece(" (\(error.code))", .faint)]
        }
        lines = [line] + (event.error?.fix.map { [Line("    fix: \($0)")] } ?? [])
    }

    private static func facts(_ event: Event) -> [String] {
        let subject: String? =
            switch (event.tunnel, event.listener, event.dial, event.context) {
            case (let tunnel?, _, _, _): tunnel
            case (_, let listener?, _, _): "listener \(listener)"
            case (_, _, let dialed?, _): "dial \(dialed)"
            case (_, _, _, let context): context
            }
        let all: [String?] = [
            subject,
            event.stream.map { "stream \($0)" },
            event.source.map { "from \($0)" },
            event.upstream.map { "to \($0)" },
            event.upstreamConnectSeconds.map { "connected in \(Took(seconds: $0))" },
            event.outcome,
            event.forwardingAddress,
            event.byHand == true ? "by hand" : nil,
            event.bytes.map { "received \(ByteText($0.received)), sent \(ByteText($0.sent))" },
            event.durationSeconds.map { "in \(Took(seconds: $0))" },
            event.changes.map { changes in changes.map(\.text).joined(separator: ", ") },
            event.message,
            event.missed.map { "\($0) events were missed" },
        ]
        return all.compactMap { $0 }.filter { !$0.isEmpty }
    }

    /// By the last word of the type, which is a state or an outcome.
    private static func tone(_ type: String) -> Tone {
        switch type.split(byte: ".").last {
        case "online", "applied", "opened", "healthy", "restored", "passing": .good
        case "rejected", "refused", "failed", "failing", "unhealthy": .bad
        case "connecting", "waiting", "pending", "opening", "draining", "missed", "ejected": .waiting
        default: .plain
        }
    }
}
