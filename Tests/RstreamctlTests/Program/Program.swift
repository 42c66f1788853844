// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamAdmin
import RstreamTestSupport
import Testing

/// The real `rstreamctl` against a daemon that answers what the test says.
///
/// One test after another: each starts processes, and some measure what arrives when.
@Suite("rstreamctl", .serialized)
enum Program {
    typealias Result = (exit: ProcessHandle.Exit, output: [String], errors: [String])

    static var path: String { get throws { try Binaries.path(of: "rstreamctl") } }

    /// Answers as a daemon does that has the tunnels `web` and `api` and is fine.
    static let healthy: TestAdmin.Answers = { request in
        switch request.line {
        case "GET /v1/status": .ok(Sample.json(Sample.status()))
        case "GET /v1/tunnels": .ok(Sample.json([Sample.tunnel("web"), Sample.tunnel("api")]))
        case "GET /v1/tunnels/web": .ok(Sample.json(Sample.tunnel("web")))
        case "GET /v1/streams", "GET /v1/streams?tunnel=web": .ok(Sample.json([Sample.stream("17")]))
        case "GET /v1/sessions":
            .ok(Sample.json([Sample.session(), Sample.session(context: "other"), Sample.session(.waiting)]))
        case "DELETE /v1/streams/17": .reply(204, "")
        case "DELETE /v1/tunnels/web": .reply(204, "")
        case "GET /v1/tunnels/web/requests":
            .ok(Sample.json(TunnelRequests(inspected: true, total: 1, requests: [Sample.request(1)])))
        case "GET /v1/tunnels/api/requests": .ok(Sample.json(TunnelRequests(inspected: false)))
        case "GET /v1/tunnels/web/file": .ok("version: 1\ntunnels: []\n")
        case "POST /v1/reload":
            .ok(Sample.json(ReloadReply(outcome: .unchanged, dryRun: request.body.contains("true"))))
        case "GET /v1/log", "PUT /v1/log": .ok(#"{"level":"debug"}"#)
        case "GET /v1/config": .ok(#"{"contexts":{"main":{"token":"***"}}}"#)
        case "GET /metrics": .ok("# TYPE a gauge\na 1\n")
        case "GET /v1/events": .events(backlog)
        case "POST /v1/sessions/main/reconnect": .reply(202, Sample.json(Accepted(action: "reconnect", target: "main")))
        case "POST /v1/sessions/other/reconnect":
            .reply(202, Sample.json(Accepted(action: "reconnect", target: "other")))
        case "POST /v1/tunnels/web/enable", "POST /v1/tunnels/web/disable", "POST /v1/tunnels/web/drain":
            .reply(202, Sample.json(Accepted(action: "x", target: "web")))
        case "POST /v1/enable", "POST /v1/disable", "POST /v1/drain":
            .reply(202, Sample.json([Accepted(action: "x", target: "web"), Accepted(action: "x", target: "api")]))
        default: .reply(404, Sample.json(Problem(.notFound, "there is no such thing")))
        }
    }

    static func event(_ id: Int, _ type: String = "tunnel.online", tunnel: String = "web") -> Event {
        var event = Event(id: id, time: Sample.now, type: type)
        event.tunnel = tunnel
        return event
    }

    static func data(_ event: Event) -> String { "id: \(event.id)\ndata: \(Sample.json(event))\n\n" }

    static let backlog = data(event(1)) + data(event(2, tunnel: "api")) + ": end of backlog\n\n"

    /// Runs a body with a daemon at a socket of its own.
    static func withDaemon<Value>(
        _ answers: @escaping TestAdmin.Answers = healthy,
        _ body: (TestAdmin, String) async throws -> Value
    ) async throws -> Value {
        try await TemporaryFolder.with { folder in
            let socket = folder.path(of: "admin.sock")
            return try await TestAdmin.with(at: socket, answers) { try await body($0, socket) }
        }
    }

    static func run(
        _ arguments: [String],
        environment: [String: String] = [:],
        user: UInt32? = nil
    ) async throws -> Result {
        try await ProcessHandle.run(try path, arguments, environment: environment, user: user)
    }

    /// Runs a command to its end with a daemon that answers so.
    static func run(
        _ answers: @escaping TestAdmin.Answers = healthy,
        _ arguments: String...
    ) async throws -> (result: Result, requests: [TestAdmin.Request]) {
        try await withDaemon(answers) { admin, socket in
            let result = try await run(["--socket", socket] + arguments)
            return (result, admin.requests.value)
        }
    }
}
