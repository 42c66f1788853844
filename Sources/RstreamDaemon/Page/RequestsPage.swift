// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel

/// `GET /requests`: the latest requests of all inspected tunnels, without headers and queries. The one that ended last
/// comes first: it is one that a person who looks has just made. It needs no script: the browser loads it again.
enum RequestsPage {
    /// How many rows the table has at most; below it stands how many there are beyond them.
    static let most = 200

    static func html(_ newest: NewestOfTunnels) -> String {
        PageFiles.requests.filled(values(newest))
    }

    /// What stands at each place of the template.
    static func values(_ newest: NewestOfTunnels) -> [String: HTML] {
        let more = newest.kept - newest.requests.count
        let rest =
            if newest.tunnels == 0 {
                "No tunnel has inspect: true."
            } else if newest.kept == 0 {
                "None yet."
            } else {
                more > 0 ? "\(more) more; rstreamctl requests shows those of one tunnel." : ""
            }
        return [
            "requests": .joined(newest.requests.map { row($0.tunnel, $0.request) }),
            "rest": .text(rest),
        ]
    }

    private static func row(_ tunnel: String, _ request: RequestStatus) -> HTML {
        // 2026-01-31T23:59:59Z
        let time = String(decoding: request.time.toTheSecond.utf8.dropFirst(11), as: UTF8.self)
        let asked = [request.method, request.path].compactMap { $0 }.joined(separator: " ")
        return .row(
            "\(tunnel) \(request.id)",
            .cell("Time", .element("time", ["datetime": "\(request.time)"], .text(time))),
            .cell("Tunnel", .text(tunnel)),
            .cell("Request", .text(asked), note: request.end.explanation),
            .number("Status", request.status.map { "\($0)" } ?? ""),
            .number("Took", "\(Took(seconds: request.durationSeconds))"),
            .bytes(request.bytes),
            .cell("Visitor", .text(request.source ?? ""))
        )
    }
}
