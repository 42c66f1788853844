// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel

/// `rstreamctl requests`: one request, on a line of its own, with its headers below where they are wanted.
struct RequestView: Hashable, Sendable {
    /// As long as the longest method that is common.
    private static let methodColumns = 7

    let lines: [Line]

    init(_ request: RequestStatus, showsHeaders: Bool) {
        let method = request.method ?? "-"
        let padding = String(repeating: " ", count: max(0, Self.methodColumns - method.terminalColumns))
        let status = request.status.map { String($0) } ?? "---"
        let line = Line([
            Piece("\(request.time) ", .faint), Piece(status, Self.tone(request.status)), Piece(" " + method + padding),
            Piece(" " + (request.path ?? "-")), Piece(" " + Self.facts(request), .faint),
        ])
        let notes = request.end.explanation.map { [Line("    \($0)", .waiting)] } ?? []
        lines = [line] + notes + (showsHeaders ? Self.headers(request) : [])
    }

    private static func facts(_ request: RequestStatus) -> String {
        let took = "in \(Took(seconds: request.durationSeconds))"
        let bytes = "received \(ByteText(request.bytes.received)), sent \(ByteText(request.bytes.sent))"
        return ([took, bytes] + (request.source.map { ["from \($0)"] } ?? []) + ["stream \(request.stream)"])
            .joined(separator: ", ")
    }

    private static func headers(_ request: RequestStatus) -> [Line] {
        let all = [(">", request.requestHeaders ?? []), ("<", request.responseHeaders ?? [])]
        let lines = all.flatMap { mark, headers in
            headers.map { Line([Piece("    \(mark) \($0.name): ", .faint), Piece($0.value)]) }
        }
        return lines + (request.headersCut ? [Line("    more headers than are kept", .faint)] : [])
    }

    private static func tone(_ status: Int?) -> Tone {
        switch status {
        case .some(200..<300): .good
        case .some(400..<500): .waiting
        case .some(500...): .bad
        case .some: .plain
        case nil: .faint
        }
    }
}
