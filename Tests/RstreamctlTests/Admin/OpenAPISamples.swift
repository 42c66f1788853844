// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamDaemonModel
import RstreamModel
import Testing

/// Every type that the admin API answers with, once with all that it can have and once with as little as it can have.
enum Samples {
    struct Sample: CustomTestStringConvertible, Sendable {
        let schema: String
        let full: @Sendable () throws -> JSONValue
        let least: @Sendable () throws -> JSONValue

        init<Value: Encodable & Sendable>(_ schema: String, full: Value, least: Value) {
            self.schema = schema
            self.full = { try Samples.json(full) }
            self.least = { try Samples.json(least) }
        }

        init(_ schema: String, _ value: some Encodable & Sendable) {
            self.init(schema, full: value, least: value)
        }

        var testDescription: String { schema }
    }

    private static func json(_ value: some Encodable) throws -> JSONValue {
        try AdminJSON.decode(JSONValue.self, from: AdminJSON.encode(value))
    }

    private static let time = UTCTime(milliseconds: 1_700_000_000_123)
    private static let error = ErrorReport(
        RstreamError(code: .engine, origin: .engine, retry: .afterBackoff, what: "what", fix: "fix"),
        at: time
    )
    private static let change = ReloadChange(
        tunnel: "a",
        action: .update,
        disposition: "drain",
        streams: 1,
        keys: ["k"]
    )
    private static let setting = ReloadSetting(key: "k", obstacle: "o")
    private static let diagnostic = DiagnosticReport(
        severity: "error",
        file: "f",
        line: 1,
        column: 1,
        message: "m",
        hint: "h",
        text: "t"
    )

    private static let daemon = DaemonFacts(
        version: "1",
        pid: 1,
        state: .running,
        startedAt: time,
        configFiles: ["f"],
        lastReload: LastReload(at: time, outcome: .applied, message: "m"),
        previous: [previous]
    )
    private static let previous = PreviousDaemon(pid: 2, version: "1", streams: 3, until: time)

    private static let properties: TunnelProperties = {
        var properties = TunnelProperties()
        properties.name = "a"
        properties.type = "bytestream"
        properties.publish = true
        properties.protocol = "http"
        properties.hostname = "h"
        properties.port = 443
        properties.labels = ["a": "b"]
        properties.geoip = ["DE"]
        properties.trustedIPs = ["10.0.0.0/8"]
        properties.tlsMode = "terminated"
        properties.tlsALPNs = ["h2"]
        properties.tlsMinVersion = "tls1.2"
        properties.tlsCiphers = ["c"]
        properties.mtlsAuth = true
        properties.httpVersion = "h2c"
        properties.tokenAuth = true
        properties.rstreamAuth = true
        properties.challengeMode = true
        properties.upstreamTLS = true
        properties.datagramGuaranteedDelivery = true
        properties.allowCrossRegionRouting = true
        return properties
    }()

    private static let session = SessionStatus(
        id: "1",
        context: "c",
        engine: "e:1",
        state: .online,
        clientId: "i",
        since: time,
        attempt: 1,
        nextAttemptAt: time,
        lastError: error,
        heartbeatRttSeconds: 0.5,
        tokenExpiresAt: time,
        certificateExpiresAt: time,
        prewarm: PrewarmStatus(warm: 1, hit: 2, miss: 3, wasted: 4, aged: 5),
        canary: canary
    )

    private static let canary = CanaryStatus(
        state: .failing,
        at: time,
        durationSeconds: 0.5,
        failures: 2,
        lastError: error
    )

    private static let check = UpstreamCheckStatus(at: time, passed: true, durationSeconds: 0.5)

    private static let upstream = UpstreamStatus(
        forward: "f",
        weight: 2,
        backup: true,
        state: .ejected,
        ejectedUntil: time,
        share: 0.5,
        lastCheck: check,
        lastError: error
    )

    private static let tunnel: TunnelStatus = {
        var tunnel = configured
        tunnel.diagnostics = [diagnostic]
        return tunnel
    }()

    private static let configured = TunnelStatus(
        name: "a",
        context: "c",
        state: .online,
        disabledUntil: .enabled,
        id: "i",
        forward: "f",
        upstreams: [upstream],
        forwardingAddress: "https://h",
        properties: PropertiesReport(properties),
        since: time,
        nextAttemptAt: time,
        drain: DrainStatus(streams: 1, cutAt: time),
        lastError: error,
        byHand: byHand
    )

    private static let request = {
        var request = RequestStatus(
            id: 1,
            stream: "1",
            source: "::1",
            time: time,
            method: "GET",
            path: "/",
            status: 200,
            durationSeconds: 0.5,
            requestHeaders: [RequestHeader(name: "n", value: "v")],
            responseHeaders: [],
            requestBody: body,
            responseBody: body
        )
        request.missed = Count(wrappedValue: 1)
        return request
    }()

    private static let body = CapturedBody(bytes: [1, 2, 3])

    private static let byHand = ByHand(uid: 1_000, pid: 1, detached: true, endsAt: time)

    private static let invalid: Problem = {
        var problem = Problem(.invalid, "so")
        problem.diagnostics = [diagnostic]
        return problem
    }()

    private static let event: Event = {
        var event = Event(id: 1, time: time, type: "stream.closed")
        (event.session, event.context, event.tunnel, event.listener) = ("1", "c", "a", "l")
        (event.dial, event.upstream, event.upstreamConnectSeconds) = ("d", "u", 0.5)
        event.outcome = StreamOutcome.completed.rawValue
        (event.stream, event.source, event.bytes, event.durationSeconds) = ("1", "::1", ByteCounts(), 0.5)
        (event.forwardingAddress, event.error, event.changes) = ("h", error, [change])
        (event.message, event.missed) = ("m", 1)
        event.byHand = true
        return event
    }()

    static let all: [Sample] = [
        Sample(
            "DaemonStatus",
            DaemonStatus(daemon: daemon, sessions: [], tunnels: [], listeners: [], streams: StreamCounts())
        ),
        Sample(
            "DaemonFacts",
            full: daemon,
            least: DaemonFacts(
                version: "1",
                pid: 1,
                state: .stopping,
                startedAt: time,
                configFiles: [],
                lastReload: nil
            )
        ),
        Sample("LastReload", LastReload(at: time, outcome: .refused, message: "m")),
        Sample(
            "SessionStatus",
            full: session,
            least: SessionStatus(id: "1", context: "c", engine: "e", state: .connecting, since: time)
        ),
        Sample("PrewarmStatus", PrewarmStatus()),
        Sample("CanaryStatus", full: canary, least: CanaryStatus()),
        Sample(
            "CanaryReport",
            full: CanaryReport(session: "1", context: "c", outcome: .passed, durationSeconds: 0.5, lastError: error),
            least: CanaryReport(session: "1", context: "c", outcome: .offline)
        ),
        Sample(
            "TunnelStatus",
            full: tunnel,
            least: TunnelStatus(
                name: "a",
                context: "c",
                state: .pending,
                forward: "f",
                properties: PropertiesReport(TunnelProperties()),
                since: time
            )
        ),
        Sample("UpstreamStatus", full: upstream, least: UpstreamStatus(forward: "f")),
        Sample("UpstreamCheckStatus", check),
        Sample(
            "TunnelProperties",
            full: PropertiesReport(properties),
            least: PropertiesReport(TunnelProperties())
        ),
        Sample(
            "ListenerStatus",
            full: ListenerStatus(
                name: "l",
                context: "c",
                state: .listening,
                listen: "a",
                addresses: ["b"],
                dial: "d",
                lastError: error
            ),
            least: ListenerStatus(name: "l", context: "c", state: .waiting, listen: "a", dial: "d")
        ),
        Sample(
            "StreamStatus",
            full: StreamStatus(
                id: "7-1",
                process: 7,
                tunnel: "a",
                listener: "l",
                dial: "d",
                state: .relaying,
                source: "::1",
                openedAt: time
            ),
            least: StreamStatus(id: "1", state: .opening, openedAt: time)
        ),
        Sample("TunnelRequests", TunnelRequests(inspected: true, total: 1, requests: [request])),
        Sample(
            "RequestStatus",
            full: request,
            least: RequestStatus(id: 1, stream: "1", time: time, end: .http2)
        ),
        Sample("RequestHeader", RequestHeader(name: "n", value: "v")),
        Sample("CapturedBody", body),
        Sample("StreamCounts", StreamCounts()),
        Sample("ByteCounts", ByteCounts()),
        Sample(
            "ErrorReport",
            full: error,
            least: ErrorReport(
                RstreamError(code: .engine, origin: .upstream, retry: .never, what: "what"),
                at: time
            )
        ),
        Sample("ReloadRequest", full: ReloadRequest(dryRun: true), least: ReloadRequest()),
        Sample(
            "ReloadReply",
            ReloadReply(
                outcome: .applied,
                dryRun: false,
                changes: [change],
                settings: [setting],
                diagnostics: [diagnostic]
            )
        ),
        Sample("PreviousDaemon", previous),
        Sample(
            "UpgradeReply",
            full: UpgradeReply(
                outcome: .takenOver,
                pid: 1,
                version: "1",
                message: "m",
                diagnostics: [diagnostic]
            ),
            least: UpgradeReply(outcome: .refused, message: "m")
        ),
        Sample("ReloadSetting", full: setting, least: ReloadSetting(key: "k")),
        Sample(
            "ReloadChange",
            full: ReloadChange(tunnel: "a", listener: "l", context: "c", action: .replace, disposition: "cut"),
            least: ReloadChange(action: .reconnect)
        ),
        Sample(
            "Diagnostic",
            full: diagnostic,
            least: DiagnosticReport(
                severity: "warning",
                file: "f",
                line: 0,
                column: 0,
                message: "m",
                hint: nil,
                text: "t"
            )
        ),
        Sample(
            "Accepted",
            full: Accepted(
                action: "drain",
                target: "a",
                streams: 1,
                disposition: "drain",
                cutAt: time,
                until: .reload
            ),
            least: Accepted(action: "reconnect", target: "a")
        ),
        Sample(
            "TunnelChangeRequest",
            full: TunnelChangeRequest(untilEnabled: true),
            least: TunnelChangeRequest()
        ),
        Sample("DrainStatus", DrainStatus(streams: 1, cutAt: time)),
        Sample("LogLevel", LogLevelDocument(level: "debug")),
        Sample("Health", full: Health(reasons: ["r"]), least: Health(reasons: [])),
        Sample("Event", full: event, least: Event(time: time, type: "reload.applied")),
        Sample("ByHand", full: byHand, least: ByHand(uid: 0, pid: 1, detached: false)),
        Sample("Problem", full: invalid, least: Problem(.busy, "so")),
    ]

    /// The values of every property that has a list of them. The configuration's are compared in `RstreamDaemonTests`.
    static let words: [(String, [String])] = [
        ("DaemonFacts.state", DaemonFacts.State.allCases.map(\.rawValue)),
        ("SessionState", SessionStatus.State.allCases.map(\.rawValue)),
        ("Verification", TransportOptions.Verification.allCases.map(\.rawValue)),
        ("CanaryState", CanaryStatus.State.allCases.map(\.rawValue)),
        ("CanaryOutcome", CanaryReport.Outcome.allCases.map(\.rawValue)),
        ("UpstreamState", UpstreamStatus.State.allCases.map(\.rawValue)),
        ("TunnelState", TunnelStatus.State.allCases.map(\.rawValue)),
        ("TunnelStatus.disabledUntil", TunnelStatus.DisabledUntil.allCases.map(\.rawValue)),
        ("Accepted.until", TunnelStatus.DisabledUntil.allCases.map(\.rawValue)),
        ("ListenerStatus.state", ListenerStatus.State.allCases.map(\.rawValue)),
        ("StreamStatus.state", StreamStatus.State.allCases.map(\.rawValue)),
        ("RequestStatus.end", RequestStatus.End.allCases.map(\.rawValue)),
        ("ErrorReport.origin", origins.map(\.rawValue)),
        ("ErrorReport.retry", retries.map(\.rawValue)),
        ("UpgradeReply.outcome", UpgradeReply.Outcome.allCases.map(\.rawValue)),
        ("ReloadOutcome", ReloadReply.Outcome.allCases.map(\.rawValue)),
        ("ReloadChange.action", ReloadChange.Action.allCases.map(\.rawValue)),
        ("ReloadChange.disposition", StreamDisposition.allCases.map(\.rawValue)),
        ("Diagnostic.severity", ["error", "warning"]),
        ("Accepted.action", Route.TunnelChange.allCases.map(\.rawValue) + ["reconnect"]),
        ("Accepted.disposition", StreamDisposition.allCases.map(\.rawValue)),
        ("LogLevel.level", LogLevelDocument.levels),
        ("Health.status", [Health(reasons: []).status, Health(reasons: ["r"]).status]),
        ("Event.outcome", StreamOutcome.allCases.map(\.rawValue)),
        ("Problem.code", Problem.Code.allCases.map(\.rawValue)),
    ]

    private static let origins: [RstreamError.Origin] = [.engine, .upstream, .host, .configuration]
    private static let retries: [RstreamError.Retry] = [.afterBackoff, .afterReload, .never]
}
