// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel

/// `GET /requests`: the latest requests of all inspected tunnels, without headers and queries. It needs no script: the
/// browser loads it again.
enum RequestsPage {
    /// How many rows the table has at most; below it stands how many there are beyond them.
    static let most = 200

    static func html(_ tunnels: [(tunnel: String, requests: TunnelRequests)]) -> String {
        PageFiles.requests.filled(values(tunnels))
    }

    /// What stands at each place of the template.
    static func values(_ tunnels: [(tunnel: String, requests: TunnelRequests)]) -> [String: HTML] {
        let all = tunnels.flatMap { tunnel, requests in requests.requests.map { (tunnel: tunnel, request: $0) } }
        // The latest first: they are those that a person who looks has just made.
        let sorted = all.sorted { $0.request.time > $1.request.time }
        let rest =
            if tunnels.isEmpty {
                "No tunnel has inspect: true."
            } else if all.isEmpty {
                "None yet."
            } else {
                all.count > most ? "\(all.count - most) more; rstreamctl requests shows those of one tunnel." : ""
            }
        return [
            "requests": .joined(sorted.prefix(most).map { row($0.tunnel, $0.request) }),
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
