// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel

/// `rstreamctl status`: the daemon, its sessions, tunnels, listeners and streams.
struct StatusView: Hashable, Sendable {
    let lines: [Line]

    /// No line is longer than `columns` where names allow that; messages of errors are not cut.
    init(_ status: DaemonStatus, now: UTCTime, columns: Int = 80) {
        var blocks = [Self.head(status, now: now, columns: columns)]
        if !status.sessions.isEmpty { blocks.append(Self.sessions(status.sessions, now: now).lines(within: columns)) }
        if !status.tunnels.isEmpty { blocks.append(TunnelsView(status.tunnels, now: now, columns: columns).lines) }
        if !status.listeners.isEmpty {
            blocks.append(Self.listeners(status.listeners, now: now).lines(within: columns))
        }
        lines = Array(blocks.joined(separator: [Line()]))
    }

    private static func head(_ status: DaemonStatus, now: UTCTime, columns: Int) -> [Line] {
        let daemon = status.daemon
        var lines = [
            Line([
                Piece("rstreamd \(daemon.version) "), Piece(daemon.state.rawValue, daemon.state.tone),
                Piece(", process \(daemon.pid), since \(Age(from: daemon.startedAt, to: now))"),
            ])
        ]
        for previous in daemon.previous {
            let streams = previous.streams == 1 ? "1 stream" : "\(previous.streams) streams"
            let left = "\(streams), cut in \(Age(from: now, to: previous.until))"
            lines.append(Line("process \(previous.pid) of version \(previous.version) still has \(left)"))
        }
        if let reload = daemon.lastReload {
            let message = reload.message.isEmpty || reload.outcome == .unchanged ? "" : ": \(reload.message)"
            lines.append(
                Line([
                    Piece("last reload \(Age(from: reload.at, to: now)) ago "),
                    Piece(reload.outcome.rawValue, reload.outcome.tone), Piece(message),
                ])
            )
        }
        let (streams, tunnels) = (status.streams, status.wantedTunnels)
        var parts: [String] = []
        if tunnels.total > 0 || status.listeners.isEmpty {
            parts.append("\(tunnels.online) of \(tunnels.total) tunnels online")
            if status.standbyTunnels > 0 { parts.append("\(status.standbyTunnels) on standby") }
        }
        if !status.listeners.isEmpty {
            parts.append("\(status.listeners.count(where: \.isAsWanted)) of \(status.listeners.count) listeners serve")
        }
        let services = parts.joined(separator: ", ")
        let counts = "streams: \(streams.active) active, \(streams.total) total, \(streams.failed) failed"
        let both = "\(services); \(counts)"
        lines += both.terminalColumns <= columns ? [Line(both)] : [Line(services), Line(counts)]
        return lines
    }

    private static func sessions(_ sessions: [SessionStatus], now: UTCTime) -> Table {
        Table(
            [
                .init("CONTEXT"), .init("ENGINE"), .init("STATE"), .init("SINCE", .right), .init("RTT", .right),
                .init("CLIENT"),
            ],
            sessions.map { session in
                let rtt = session.heartbeatRttSeconds.map { "\(Took(seconds: $0))" } ?? ""
                return .init(
                    [
                        Piece(session.context), Piece(session.engine),
                        Piece(session.state.rawValue, session.state.tone),
                        Piece("\(Age(from: session.since, to: now))"), Piece(rtt), Piece(session.clientId ?? ""),
                    ],
                    notes: notes(session, now: now)
                )
            }
        )
    }

    private static func notes(_ session: SessionStatus, now: UTCTime) -> [Line] {
        var notes = session.lastError?.notes(now: now) ?? []
        switch session.verification {
        case .full: break
        case .engineOnly: notes.append(Line("the proxy's certificate is not checked (insecureSkipVerify)", .waiting))
        case .none: notes.append(Line("the engine's certificate is not checked (insecureSkipVerify)", .bad))
        default: notes.append(Line("certificates are checked like this: \(session.verification.rawValue)", .waiting))
        }
        if let next = session.nextAttemptAt {
            notes.append(Line("attempt \(session.attempt + 1) in \(Age(from: now, to: next))", .faint))
        }
        let prewarm = session.prewarm
        if prewarm != PrewarmStatus() {
            let streams = "\(prewarm.hit) hit, \(prewarm.miss) missed"
            let unused = "\(prewarm.wasted) wasted, \(prewarm.aged) aged"
            notes.append(Line("prewarm: \(prewarm.warm) warm, \(streams), \(unused)", .faint))
        }
        notes += session.canary.map { Self.notes($0, now: now) } ?? []
        let ends = [("token", session.tokenExpiresAt), ("client certificate", session.certificateExpiresAt)]
        for case (let credential, let end?) in ends {
            // A day's notice is enough to renew one by hand.
            let left = now.duration(to: end)
            if left <= .zero {
                notes.append(Line("the \(credential) has expired", .bad))
            } else if left < .seconds(86_400) {
                notes.append(Line("the \(credential) expires in \(Age(left))", .waiting))
            }
        }
        return notes
    }

    private static func notes(_ canary: CanaryStatus, now: UTCTime) -> [Line] {
        switch canary.state {
        case .waiting: return [Line("canary: none has ended yet", .faint)]
        case .passing:
            let took = canary.durationSeconds.map { " in \(Took(seconds: $0))" } ?? ""
            let at = canary.at.map { ", \(Age(from: $0, to: now)) ago" } ?? ""
            guard canary.failures == 0 else { return [Line("canary: the last one failed\(at)", .waiting)] }
            return [Line("canary: came back\(took)\(at)", .faint)]
        default: return canary.lastError?.notes(now: now) ?? [Line("canary: \(canary.state.rawValue)", .bad)]
        }
    }

    private static func listeners(_ listeners: [ListenerStatus], now: UTCTime) -> Table {
        Table(
            [
                .init("LISTENER"), .init("STATE"), .init("STREAMS", .right), .init("FAILED", .right),
                .init("RECEIVED", .right), .init("SENT", .right), .init("LISTEN"), .init("DIAL"), .init("CONTEXT"),
            ],
            listeners.map { listener in
                .init(
                    [
                        Piece(listener.name), Piece(listener.state.rawValue, listener.tone),
                        Piece("\(listener.streams.active)"), .failures(listener.streams),
                        Piece("\(ByteText(listener.bytes.received))"), Piece("\(ByteText(listener.bytes.sent))"),
                        Piece(listener.place), Piece(listener.dial), Piece(listener.context),
                    ],
                    notes: listener.lastError?.notes(now: now) ?? []
                )
            }
        )
    }
}

extension ListenerStatus {
    /// A listener that listens but has an error needs attention.
    var tone: Tone { state.tone == .good && lastError != nil ? .waiting : state.tone }

    /// Where it listens, or is configured to.
    fileprivate var place: String { addresses.isEmpty ? listen : addresses.joined(separator: " ") }
}

extension ErrorReport {
    /// Bytes of a text: more than a daemon stores of one.
    private static let longest = 1_280

    /// What went wrong, how long ago, and what to do about it: the notes under the row that has the error.
    func notes(now: UTCTime) -> [Line] {
        let since = " (\(code.cut(toBytes: Self.longest)), \(Age(from: at, to: now)) ago)"
        let what = Line([Piece(message.cut(toBytes: Self.longest), .bad), Piece(since, .faint)])
        return fix.map { [what, Line("fix: \($0.cut(toBytes: Self.longest))")] } ?? [what]
    }
}
