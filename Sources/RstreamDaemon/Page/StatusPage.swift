// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel

/// `GET /`: what the daemon does, complete without a script. `page.js` keeps it current with the same words and units.
struct StatusPage {
    /// How many rows a table has at most; below it stands how many there are beyond them.
    private enum Most {
        static let tunnels = 500
        static let others = 100
        static let findings = 50
    }

    let status: DaemonStatus
    /// The open streams, in the order in which they were opened.
    let streams: [StreamStatus]
    /// In the order in which they happened.
    let events: [Event]
    /// The parts of the daemon that have stalled.
    let stalls: [String]
    let now: UTCTime

    /// The document.
    var html: String { PageFiles.status.filled(values) }

    /// What stands at each place of the template.
    var values: [String: HTML] {
        figures.merging(tables) { first, _ in first }
    }

    private var figures: [String: HTML] {
        let (daemon, wanted) = (status.daemon, status.wantedTunnels)
        let online = "\(wanted.online) of \(wanted.total)"
        let since = "\(daemon.state.rawValue), process \(daemon.pid), for \(age(since: daemon.startedAt))"
        let failed = HTML.element("small", [:], .text("\(status.streams.failed) failed"))
        return [
            "title": .text("rstreamd: \(online) tunnels online"),
            "version": .text(daemon.version),
            "since": .text(since),
            "tunnelsOnline": .text(online),
            "streamsActive": .text("\(status.streams.active)"),
            "streamsTotal": .text("\(status.streams.total) ") + failed,
            "received": .text("\(ByteText(total(\.received)))"),
            "sent": .text("\(ByteText(total(\.sent)))"),
        ]
    }

    private var tables: [String: HTML] {
        [
            "health": health,
            "tunnels": rows(status.tunnels.prefix(Most.tunnels), row),
            "tunnelsRest": rest(status.tunnels.count, Most.tunnels),
            "sessions": rows(status.sessions.prefix(Most.others), row),
            "sessionsRest": rest(status.sessions.count, Most.others),
            "listeners": rows(status.listeners.prefix(Most.others), row),
            "listenersRest": rest(status.listeners.count, Most.others),
            // The latest first: they are those that a person who looks has just opened.
            "streams": rows(streams.suffix(Most.others).reversed(), row),
            "streamsRest": rest(streams.count, Most.others),
            "events": rows(events.suffix(Most.others).reversed(), row),
            "eventsRest": events.isEmpty ? .text("None.") : .nothing,
        ]
    }

    private func rows<Item>(_ items: some Sequence<Item>, _ row: (Item) -> HTML) -> HTML { .joined(items.map(row)) }

    private func age(since start: UTCTime) -> String { "\(Age(from: start, to: now))" }

    private func total(_ part: KeyPath<ByteCounts, Int>) -> Int {
        (status.tunnels.map(\.bytes) + status.listeners.map(\.bytes)).reduce(0) { $0 &+ $1[keyPath: part] }
    }

    private func rest(_ count: Int, _ most: Int) -> HTML {
        if count == 0 { return .text("None.") }
        return count > most ? .text("\(count - most) more; rstreamctl shows all of them.") : .nothing
    }

    private var health: HTML {
        let found = PageFinding.all(in: status, stalls: stalls)
        guard !found.isEmpty else { return .element("li", ["class": "good"], .text("Nothing is wrong.")) }
        return .joined(
            found.prefix(Most.findings).map { finding in
                let fix = finding.fix.map { HTML.element("span", ["class": "fix"], .text("Fix: \($0)")) }
                let about = HTML.element("strong", [:], .text(finding.about))
                return .element("li", [:], about, .text(": \(finding.message)"), fix ?? .nothing)
            }
        )
    }

    // MARK: Rows

    private func row(_ tunnel: TunnelStatus) -> HTML {
        .row(
            tunnel.name,
            .cell("Tunnel", noted(tunnel.name, tunnel.byHand == nil ? nil : "by hand")),
            .cell("State", .state(tunnel.state.rawValue)),
            .cell("Address", .address(tunnel.forwardingAddress ?? "")),
            .cell("Service", .text(tunnel.forward)),
            .counts(tunnel.streams),
            .bytes(tunnel.bytes),
            .cell("Traffic", .nothing, as: "chart")
        )
    }

    private func row(_ session: SessionStatus) -> HTML {
        let end = session.tokenExpiresAt ?? session.certificateExpiresAt
        let isChecked = session.verification == .full
        return .row(
            session.id,
            .cell("Context", .text(session.context)),
            .cell("State", .state(session.state.rawValue), note: isChecked ? nil : "certificates are not all checked"),
            .cell("Engine", .text(session.engine)),
            .number("Since", age(since: session.since)),
            .number("Round trip", session.heartbeatRttSeconds.map { "\(Took(seconds: $0))" } ?? ""),
            .cell("Credential", .text(end.map { "ends in \(Age(from: now, to: $0))" } ?? ""))
        )
    }

    private func row(_ listener: ListenerStatus) -> HTML {
        let places = listener.addresses.isEmpty ? [listener.listen] : listener.addresses
        return .row(
            listener.name,
            .cell("Listener", .text(listener.name)),
            .cell("State", .state(listener.state.rawValue)),
            .cell("Listens at", .text(places.joined(separator: " "))),
            .cell("Leads to", .text(listener.dial)),
            .counts(listener.streams),
            .bytes(listener.bytes)
        )
    }

    /// What a stream goes through, or an event is about.
    private func way(_ tunnel: String?, _ listener: String?, _ dial: String?) -> String? {
        tunnel ?? listener.map { "listener \($0)" } ?? dial.map { "dial \($0)" }
    }

    private func row(_ stream: StreamStatus) -> HTML {
        .row(
            stream.id,
            .cell("Through", .text(way(stream.tunnel, stream.listener, stream.dial) ?? "")),
            .cell("State", .state(stream.state.rawValue)),
            .cell("Visitor", .text(stream.source ?? "")),
            .number("Age", age(since: stream.openedAt)),
            .bytes(stream.bytes)
        )
    }

    private func row(_ event: Event) -> HTML {
        // 2026-01-31T23:59:59Z
        let time = String(decoding: event.time.toTheSecond.utf8.dropFirst(11), as: UTF8.self)
        let about = way(event.tunnel, event.listener, event.dial) ?? event.context ?? ""
        return .row(
            "\(event.id)",
            .cell("Time", .element("time", ["datetime": "\(event.time)"], .text(time))),
            .cell("Event", .text(event.type)),
            .cell("About", .text(about)),
            .cell("Details", .text(Self.details(event)), note: event.error?.fix.map { "Fix: \($0)" })
        )
    }

    private static func details(_ event: Event) -> String {
        let all: [String?] = [
            event.source.map { "from \($0)" },
            event.upstream.map { "to \($0)" },
            event.outcome,
            event.forwardingAddress,
            event.bytes.map { "received \(ByteText($0.received)), sent \(ByteText($0.sent))" },
            event.durationSeconds.map { "in \(Took(seconds: $0))" },
            event.changes.map { "changes: \($0.count)" },
            event.message,
            event.missed.map { "\($0) events were missed" },
            event.error?.message,
        ]
        return all.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ", ")
    }

    private func noted(_ text: String, _ note: String?) -> HTML { .text(text) + .note(note) }
}
