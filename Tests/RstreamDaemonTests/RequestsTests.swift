// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Linux
import NIOCore
import RstreamAdmin
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Systemd
import Testing

@testable import RstreamDaemon

@Suite("The requests of an inspected tunnel", .serialized, .timeLimit(.hang))
struct RequestsTests {
    /// A daemon with an inspected tunnel to a service of the test.
    private static func withDaemon(
        isInspected: Bool = true,
        _ body: (TestServer, RunningDaemon) async throws -> Void
    ) async throws {
        try await TestEngine.with { engine in
            try await TestServer.with(.manual) { server in
                var configuration = engine.configuration([.tcp("web")], to: server.port)
                configuration.tunnels[0].isInspected = isInspected
                try await RunningDaemon.withAdmin(configuration) { daemon in
                    try await daemon.waitForTunnels(1)
                    try await body(server, daemon)
                }
            }
        }
    }

    /// One exchange over a connection of its own, which is the service's number `index`.
    private static func exchange(
        _ target: String,
        _ server: TestServer,
        _ daemon: RunningDaemon,
        index: Int = 0
    ) async throws {
        let request = "GET \(target) HTTP/1.1\r\nCookie: hunter2\r\n\r\n"
        let response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"
        let visitor = try await TestConnection.connect(toPort: try daemon.port(of: "web"))
        try await visitor.send(request)
        let service = try await server.connection(index)
        _ = try await service.receive(asLongAs: request)
        try await service.send(response)
        _ = try await visitor.receive(asLongAs: response)
        await visitor.close()
    }

    private static func requests(_ daemon: RunningDaemon) async throws -> TunnelRequests {
        try await daemon.admin.get("/v1/tunnels/web/requests", as: TunnelRequests.self)
    }

    private static func reload(_ daemon: RunningDaemon, isInspected: Bool) async throws -> ReloadReply {
        guard case .good(var configuration) = daemon.files.value else { preconditionFailure("the files are good") }
        configuration.tunnels[0].isInspected = isInspected
        let wanted = configuration
        daemon.files.change { $0 = .good(wanted) }
        return try await daemon.admin.call("POST", "/v1/reload").decode(ReloadReply.self)
    }

    @Test("are shown with what they took, and without their secrets")
    func shown() async throws {
        try await Self.withDaemon { server, daemon in
            try await Self.exchange("/a?token=hunter2&b=1", server, daemon)
            let answer = try await Self.requests(daemon)
            #expect(answer.inspected && answer.total == 1)
            let request = try #require(answer.requests.first)
            #expect((request.id, request.method, request.path) == (1, "GET", "/a?token=***&b=1"))
            #expect((request.status, request.bytes, request.end) == (200, ByteCounts(received: 0, sent: 2), .complete))
            #expect(request.requestHeaders == [RequestHeader(name: "Cookie", value: "***")])
            #expect(request.responseHeaders == [RequestHeader(name: "Content-Length", value: "2")])
            #expect(request.durationSeconds >= 0 && request.time <= .now)
            let raw = try await daemon.admin.call("GET", "/v1/tunnels/web/requests").body
            #expect(!raw.contains("hunter2"))
            let page = try await daemon.admin.call("GET", "/requests").body
            #expect(page.contains("/a?***") && !page.contains("hunter2") && !page.contains("b=1"))
        }
    }

    @Test("begin with the reload that turns it on and are gone with the one that turns it off")
    func reload() async throws {
        try await Self.withDaemon(isInspected: false) { server, daemon in
            try await Self.exchange("/before", server, daemon)
            #expect(try await Self.requests(daemon) == TunnelRequests(inspected: false))
            let on = try await Self.reload(daemon, isInspected: true)
            #expect(on.changes.map(\.keys) == [["tunnels.inspect"]])
            #expect(on.changes.map(\.action) == [.update])
            try await Self.exchange("/while", server, daemon, index: 1)
            let requests = try await Self.requests(daemon)
            #expect(requests.inspected && requests.requests.map(\.path) == ["/while"])
            _ = try await Self.reload(daemon, isInspected: false)
            try await Self.exchange("/after", server, daemon, index: 2)
            #expect(try await Self.requests(daemon) == TunnelRequests(inspected: false, total: 1))
        }
    }

    /// A client that captures the requests of the tunnel, once it does.
    private static func capture(_ daemon: RunningDaemon) async throws -> TestConnection {
        let connection = try await daemon.admin.connect()
        try await connection.send(AdminSocket.request("POST", "/v1/tunnels/web/capture"))
        try await connection.state.wait(for: "the capture") {
            $0.isOver || String(buffer: $0.received).contains(": end of backlog")
        }
        return connection
    }

    private static func captured(in state: TestConnection.State) -> [RequestStatus] {
        String(buffer: state.received).split(separator: "\n").filter { $0.hasPrefix("data: ") }
            .compactMap { try? AdminJSON.decode(RequestStatus.self, from: $0.dropFirst("data: ".count).utf8) }
    }

    @Test("have bodies for a client that captures them, and only as long as that")
    func captured() async throws {
        try await Self.withDaemon { server, daemon in
            try await Self.exchange("/before", server, daemon)
            let client = try await Self.capture(daemon)
            try await Self.exchange("/during", server, daemon, index: 1)
            let state = try await client.state.wait(for: "a request") { !Self.captured(in: $0).isEmpty }
            let request = try #require(Self.captured(in: state).first)
            #expect(request.path == "/during" && request.id == 2 && request.missed == nil)
            #expect(request.requestBody == CapturedBody(bytes: []))
            #expect(request.responseBody?.bytes == Array("ab".utf8))
            let kept = try await Self.requests(daemon).requests
            #expect(kept.count == 2 && kept.allSatisfy { $0.requestBody == nil && $0.responseBody == nil })
            let line = try #require(daemon.log.lines("admin request").last)
            #expect(line.metadata["call"] == "POST /v1/tunnels/web/capture" && line.metadata["status"] == "200")
            await client.close()
        }
    }

    @Test("have no bodies for anyone once a reload ends the inspection, or the daemon stops", arguments: [true, false])
    func captureEnds(isReload: Bool) async throws {
        try await Self.withDaemon { server, daemon in
            let client = try await Self.capture(daemon)
            try await Self.exchange("/a", server, daemon)
            try await client.state.wait(for: "a request") { !Self.captured(in: $0).isEmpty }
            if isReload {
                _ = try await Self.reload(daemon, isInspected: false)
            } else {
                // Else the daemon waits for the stream.
                try await server.connection().close()
                try await daemon.stop()
            }
            let state = try await client.state.wait(for: "the end") { $0.isOver }
            #expect(String(buffer: state.received).hasSuffix("\r\n0\r\n\r\n"))
            guard isReload else { return }
            let answer = try await daemon.admin.call("POST", "/v1/tunnels/web/capture")
            #expect(answer.status == 409 && answer.problem?.detail.contains("inspect: true") == true)
            let unknown = try await daemon.admin.call("POST", "/v1/tunnels/wep/capture")
            #expect(unknown.status == 404 && unknown.problem?.detail.contains("did you mean \"web\"?") == true)
        }
    }

    @Test("are captured by as many clients as may read events, and a place is free again when one leaves")
    func places() async throws {
        try await Self.withDaemon { _, daemon in
            var clients: [TestConnection] = []
            while clients.last?.state.value.isOver != true, clients.count < 100 {
                clients.append(try await Self.capture(daemon))
            }
            let last = clients.popLast()
            let refused = try #require(last)
            #expect(String(buffer: refused.state.value.received).hasPrefix("HTTP/1.1 503 "))
            #expect(clients.count == 32, "\(clients.count)")
            await clients.removeLast().close()
            let next = try await within("a place") {
                while true {
                    let next = try await Self.capture(daemon)
                    if !next.state.value.isOver { return next }
                }
            }
            for client in clients + [next, refused] { await client.close() }
        }
    }

    @Test("are those of a tunnel that there is")
    func unknown() async throws {
        try await Self.withDaemon { _, daemon in
            let answer = try await daemon.admin.call("GET", "/v1/tunnels/wep/requests")
            #expect(answer.status == 404)
            #expect(answer.problem?.detail.contains("did you mean \"web\"?") == true)
        }
    }

    /// A store with one inspected tunnel and one request of it.
    private static func store() -> StatusStore {
        let log = RequestLog()
        log.inspect(room: RequestRing.mostMemory)
        let ledger = StreamLedger(requests: log)
        let store = StatusStore(notifier: ServiceNotifier())
        let tunnel = ConfiguredTunnel(
            name: "web",
            context: "main",
            forward: "localhost:1",
            properties: TunnelProperties(),
            isEnabled: true,
            ledger: ledger
        )
        store.configure(files: [], tunnels: [tunnel], contexts: ["main"], ledgers: [ledger])
        return store
    }

    @Test("have headers and queries only for a client that may do everything")
    func rights() throws {
        var machine = InspectionStateMachine()
        let now = ContinuousClock.now
        for (text, side) in [
            ("GET /a?b=c HTTP/1.1\r\nX: y\r\n\r\n", InspectionStateMachine.Side.visitor),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", .service),
        ] {
            Array(text.utf8).withUnsafeBytes { machine.received($0, from: side, at: now, room: 1 << 20) }
        }
        var ring = RequestRing()
        ring.limit(to: RequestRing.mostMemory)
        for request in machine.takeEnded() { ring.append(request, of: 1, nil, endedAt: .now) }
        let logged = try #require(ring.requests.first)
        var fragment = logged.request
        fragment.target = "/a#b=c"
        ring.append(fragment, of: 1, nil, endedAt: .now)
        #expect(ring.requests.last.flatMap { RequestStatus($0, everything: false).path } == "/a?***")
        let all = RequestStatus(logged, everything: true)
        #expect(all.path == "/a?b=c" && all.requestHeaders?.count == 1 && all.responseHeaders?.count == 1)
        let less = RequestStatus(logged, everything: false)
        #expect(less.path == "/a?***" && less.requestHeaders == nil && less.responseHeaders == nil)
        #expect((less.status, less.method, less.bytes) == (all.status, all.method, all.bytes))
        let store = Self.store()
        for everything in [true, false] {
            #expect(store.requests(of: "web", everything: everything)?.inspected == true)
            #expect(store.requests(of: "none", everything: everything) == nil)
        }
        let newest = store.newestRequests(RequestsPage.most)
        #expect(newest.tunnels == 1 && newest.kept == 0 && newest.requests.isEmpty)
    }

    @Test("have every word for their end that the API has")
    func ends() {
        let words = InspectedRequest.End.allCases.map { RequestStatus.End(rawValue: $0.rawValue) }
        #expect(Set(words) == Set(RequestStatus.End.allCases))
    }
}
