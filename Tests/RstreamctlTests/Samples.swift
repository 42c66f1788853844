// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamModel

/// Answers of a daemon, all given at ``now``.
enum Sample {
    /// 2026-01-31T12:00:00Z
    static let now = UTCTime(milliseconds: 1_769_860_800_000)

    static func ago(_ duration: Duration) -> UTCTime { now.advanced(by: .zero - duration) }

    static let failure = ErrorReport(
        RstreamError(
            code: .upstreamUnreachable,
            origin: .upstream,
            retry: .afterBackoff,
            what: #"tunnel "api": upstream 127.0.0.1:8080 refused the connection"#,
            fix: "start the service, or change forward"
        ),
        at: ago(.seconds(5))
    )

    static func tunnel(
        _ name: String,
        _ state: TunnelStatus.State = .online,
        active: Int = 0,
        bytes: ByteCounts = ByteCounts(),
        error: ErrorReport? = nil
    ) -> TunnelStatus {
        var properties = TunnelProperties()
        properties.name = name
        properties.protocol = "http"
        properties.publish = true
        properties.labels = ["team": "web", "area": "eu"]
        return TunnelStatus(
            name: name,
            context: "main",
            state: state,
            id: state == .online ? "t-\(name)" : nil,
            forward: "127.0.0.1:8080",
            forwardingAddress: state == .online ? "https://\(name).t.example.com" : nil,
            properties: PropertiesReport(properties),
            since: ago(.seconds(180)),
            streams: StreamCounts(active: active, total: active + 10, failed: 1),
            bytes: bytes,
            lastError: error
        )
    }

    static func stream(
        _ id: String,
        process: Int? = nil,
        tunnel: String? = "web",
        listener: String? = nil,
        source: String? = "192.0.2.7:5000",
        age: Duration = .seconds(42),
        bytes: ByteCounts = ByteCounts(received: 1_234, sent: 5 * 1_024 * 1_024)
    ) -> StreamStatus {
        StreamStatus(
            id: id,
            process: process,
            tunnel: tunnel,
            listener: listener,
            state: .relaying,
            source: source,
            openedAt: ago(age),
            bytes: bytes
        )
    }

    static func request(
        _ id: Int,
        _ method: String? = "GET",
        _ path: String? = "/",
        status: Int? = 200,
        end: RequestStatus.End = .complete,
        headers: [RequestHeader]? = nil
    ) -> RequestStatus {
        RequestStatus(
            id: id,
            stream: "17",
            source: "192.0.2.7",
            time: ago(.seconds(5)),
            method: method,
            path: path,
            status: status,
            durationSeconds: 0.0123,
            bytes: ByteCounts(received: 0, sent: 1_234),
            end: end,
            requestHeaders: headers,
            responseHeaders: headers.map { _ in [RequestHeader(name: "Server", value: "app")] }
        )
    }

    static func listener(_ name: String, _ state: ListenerStatus.State = .listening) -> ListenerStatus {
        ListenerStatus(name: name, context: "main", state: state, listen: "127.0.0.1:5432", dial: "postgres")
    }

    static func session(_ state: SessionStatus.State = .online, context: String = "main") -> SessionStatus {
        SessionStatus(
            id: "s1",
            context: context,
            engine: "engine.example.com:443",
            state: state,
            clientId: state == .online ? "c-9" : nil,
            since: ago(.seconds(7_200)),
            attempt: state == .online ? 0 : 4,
            nextAttemptAt: state == .waiting ? now.advanced(by: .seconds(12)) : nil,
            lastError: nil,
            heartbeatRttSeconds: state == .online ? 0.0123 : nil
        )
    }

    static func status(
        tunnels: [TunnelStatus] = [tunnel("web")],
        sessions: [SessionStatus] = [session()],
        listeners: [ListenerStatus] = [],
        streams: StreamCounts = StreamCounts(active: 3, total: 40, failed: 2),
        pid: Int = 4_711
    ) -> DaemonStatus {
        DaemonStatus(
            daemon: DaemonFacts(
                version: "1.2.3",
                pid: pid,
                state: .running,
                startedAt: ago(.seconds(90_000)),
                configFiles: ["/etc/rstream/rstreamd.yaml"],
                lastReload: LastReload(at: ago(.seconds(60)), outcome: .applied, message: "1 added")
            ),
            sessions: sessions,
            tunnels: tunnels,
            listeners: listeners,
            streams: streams
        )
    }

    static func json(_ value: some Encodable) -> String {
        (try? AdminJSON.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
