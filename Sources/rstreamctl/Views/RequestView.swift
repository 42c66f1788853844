// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel

/// `rstreamctl requests`: one request, on a line of its own, with its headers and bodies below where they are wanted.
struct RequestView: Hashable, Sendable {
    /// As long as the longest method that is common.
    private static let methodColumns = 7

    let lines: [Line]

    init(_ request: RequestStatus, showsHeaders: Bool, showsBodies: Bool = false) {
        let method = request.method ?? "-"
        let padding = String(repeating: " ", count: max(0, Self.methodColumns - method.terminalColumns))
        let status = request.status.map { String($0) } ?? "---"
        let line = Line([
            Piece("\(request.time) ", .faint), Piece(status, Self.tone(request.status)), Piece(" " + method + padding),
            Piece(" " + (request.path ?? "-")), Piece(" " + Self.facts(request), .faint),
        ])
        let notes = request.end.explanation.map { [Line("    \($0)", .waiting)] } ?? []
        let asked = Message(request.requestHeaders, request.requestBody, of: request.bytes.received, mark: ">")
        let answered = Message(request.responseHeaders, request.responseBody, of: request.bytes.sent, mark: "<")
        let messages = [asked, answered].flatMap { $0.lines(showsHeaders: showsHeaders) }
        let isCut = showsHeaders && request.headersCut
        let isBefore = showsBodies && request.requestBody == nil && request.method != nil
        lines =
            [line] + notes + messages + (isCut ? [Line("    more headers than are kept", .faint)] : [])
            + (isBefore ? [Line("    it began before its bodies were kept", .faint)] : [])
    }

    private static func facts(_ request: RequestStatus) -> String {
        let took = "in \(Took(seconds: request.durationSeconds))"
        let bytes = "received \(ByteText(request.bytes.received)), sent \(ByteText(request.bytes.sent))"
        return ([took, bytes] + (request.source.map { ["from \($0)"] } ?? []) + ["stream \(request.stream)"])
            .joined(separator: ", ")
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

/// The headers and the body of a request or a response, each line behind a mark.
private struct Message {
    private let headers: [RequestHeader]
    private let body: CapturedBody?
    /// All bytes of the body.
    private let length: Int
    private let mark: String

    init(_ headers: [RequestHeader]?, _ body: CapturedBody?, of length: Int, mark: String) {
        (self.headers, self.body, self.length, self.mark) = (headers ?? [], body, length, mark)
    }

    func lines(showsHeaders: Bool) -> [Line] {
        let head = showsHeaders ? headers.map { line(Piece("\($0.name): ", .faint), Piece($0.value)) } : []
        let rest = bodyLines
        return head + (head.isEmpty || rest.isEmpty ? [] : [line()]) + rest
    }

    private var bodyLines: [Line] {
        guard let body, let bytes = body.bytes, !bytes.isEmpty || body.cut else { return [] }
        let all = ByteText(length)
        guard let text = BodyText(bytes, isCut: body.cut) else {
            let coding = headers.first { $0.name.asciiLowercased == "content-encoding" }?.value
            return [line(Piece("\(all) that are no text" + (coding.map { ", in \($0)" } ?? ""), .faint))]
        }
        let cut = body.cut ? [line(Piece("… the first \(ByteText(bytes.count)) of \(all)", .faint))] : []
        return text.lines.map { Line([Piece("    \(mark) ", .faint)] + $0) } + cut
    }

    private func line(_ pieces: Piece...) -> Line {
        Line([Piece(pieces.isEmpty ? "    \(mark)" : "    \(mark) ", .faint)] + pieces)
    }
}
