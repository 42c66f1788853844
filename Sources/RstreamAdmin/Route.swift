// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// The calls of the admin API (contract §6), for both ends: the client writes ``method`` and ``path``, the daemon reads
/// them with ``init(method:target:)``.
package enum Route: Hashable, Sendable {
    case status
    case sessions
    case reconnect(context: String)
    /// Sends a stream of the daemon's own through the engine and back.
    case canary(context: String)
    case tunnels
    case tunnel(String)
    case changeTunnel(String, TunnelChange)
    /// The same for every tunnel that the files enable.
    case changeTunnels(TunnelChange)
    /// Opens a tunnel by hand.
    case openTunnel
    /// Closes a tunnel that was opened by hand.
    case closeTunnel(String)
    /// Makes a tunnel by hand that has lost its connection by a take-over belong to the connection of the call.
    case claimTunnel(String)
    /// A tunnel that was opened by hand as a tunnel file.
    case tunnelFile(String)
    /// The latest requests of an inspected tunnel.
    case requests(tunnel: String)
    /// Those that end from now on, with their bodies.
    case capture(tunnel: String)
    /// Turns the connection into a stream to a private tunnel, by its id or name.
    case dial(String, context: String?)
    case streams(tunnel: String?)
    case recentStreams(tunnel: String?)
    case cutStream(String)
    case reload
    case upgrade
    case events
    case logLevel
    case setLogLevel
    case config
    case live
    case ready
    case metrics
    case openAPI

    /// Bytes of a name in a path or a parameter. No configured name is longer.
    private static let longestName = 1_024

    /// What an operator may do to a tunnel, until the next reload or until it is enabled.
    package enum TunnelChange: String, Hashable, Sendable, CaseIterable {
        case disable
        case enable
        case drain
    }

    package var method: String {
        switch self {
        case .status, .sessions, .tunnels, .tunnel, .tunnelFile, .requests, .streams, .recentStreams, .events,
            .logLevel, .config, .live, .ready, .metrics, .openAPI:
            "GET"
        case .reconnect, .canary, .changeTunnel, .changeTunnels, .openTunnel, .claimTunnel, .capture, .dial, .reload,
            .upgrade:
            "POST"
        case .cutStream, .closeTunnel: "DELETE"
        case .setLogLevel: "PUT"
        }
    }

    /// Path and query, percent-encoded.
    package var path: String {
        switch self {
        case .status: "/v1/status"
        case .sessions: "/v1/sessions"
        case .reconnect(let context): "/v1/sessions/\(PercentEncoding.encode(context))/reconnect"
        case .canary(let context): "/v1/sessions/\(PercentEncoding.encode(context))/canary"
        case .tunnels, .openTunnel: "/v1/tunnels"
        case .tunnel(let name), .closeTunnel(let name): "/v1/tunnels/\(PercentEncoding.encode(name))"
        case .claimTunnel(let name): "/v1/tunnels/\(PercentEncoding.encode(name))/claim"
        case .tunnelFile(let name): "/v1/tunnels/\(PercentEncoding.encode(name))/file"
        case .requests(let tunnel): "/v1/tunnels/\(PercentEncoding.encode(tunnel))/requests"
        case .capture(let tunnel): "/v1/tunnels/\(PercentEncoding.encode(tunnel))/capture"
        case .dial(let tunnel, nil): "/v1/dial/\(PercentEncoding.encode(tunnel))"
        case .dial(let tunnel, let context?):
            "/v1/dial/\(PercentEncoding.encode(tunnel))?context=\(PercentEncoding.encode(context))"
        case .changeTunnel(let name, let change): "/v1/tunnels/\(PercentEncoding.encode(name))/\(change.rawValue)"
        case .changeTunnels(let change): "/v1/\(change.rawValue)"
        case .streams(nil): "/v1/streams"
        case .streams(let tunnel?): "/v1/streams?tunnel=\(PercentEncoding.encode(tunnel))"
        case .recentStreams(nil): "/v1/streams/recent"
        case .recentStreams(let tunnel?): "/v1/streams/recent?tunnel=\(PercentEncoding.encode(tunnel))"
        case .cutStream(let id): "/v1/streams/\(PercentEncoding.encode(id))"
        case .reload: "/v1/reload"
        case .upgrade: "/v1/upgrade"
        case .events: "/v1/events"
        case .logLevel, .setLogLevel: "/v1/log"
        case .config: "/v1/config"
        case .live: "/v1/health/live"
        case .ready: "/v1/health/ready"
        case .metrics: "/metrics"
        case .openAPI: "/v1/openapi.json"
        }
    }

    /// Whether the call changes something, or shows what only those may see who may change things. Such calls are logged
    /// with the user who made them.
    package var changesSomething: Bool { method != "GET" }

    /// Reads a request's method and target. `HEAD` is read as `GET`.
    package init(method: String, target: String) throws(Problem) {
        guard target.isVisibleASCII else { throw Problem(.badRequest, "the request target has to be ASCII") }
        let parts = target.split(byte: "?", maxSplits: 1, omittingEmpty: false)
        guard let path = parts.first, path.startsWithBytes(of: "/") else {
            throw Problem(.badRequest, "the request target has to be a path")
        }
        var segments: [String] = []
        for segment in path.dropFirst().split(byte: "/", omittingEmpty: false) {
            segments.append(try Self.decoded(segment, "the path"))
        }
        let routes = try Self.routes(segments, query: parts.count > 1 ? String(parts[1]) : "")
        guard !routes.isEmpty else {
            throw Problem(.unknownPath, "there is nothing at this path; see /v1/openapi.json")
        }
        let wanted = method == "HEAD" ? "GET" : method
        guard let route = routes.first(where: { $0.method == wanted }) else {
            throw Problem(.methodNotAllowed, "this path takes \(Self.allowed(routes))")
        }
        if parts.count > 1 { try route.checkParameters(of: parts[1]) }
        self = route
    }

    /// The methods that the path of `target` takes, for the `Allow` header; nil when there is nothing at it.
    package static func allowed(at target: String) -> String? {
        let methods = ["GET", "POST", "PUT", "DELETE"].filter { method in
            (try? Route(method: method, target: target)) != nil
        }
        return methods.isEmpty ? nil : methods.joined(separator: ", ")
    }

    private static func allowed(_ routes: [Self]) -> String { routes.map(\.method).joined(separator: ", ") }

    /// The routes at a path, one for each method.
    private static func routes(_ segments: [String], query: String) throws(Problem) -> [Self] {
        switch segments.count {
        case 1 where segments[0] == "metrics": return [.metrics]
        case 2...4 where segments[0] == "v1": break
        default: return []
        }
        let rest = segments.dropFirst(2)
        switch (segments[1], rest.first, rest.dropFirst().first) {
        case ("status", nil, nil): return [.status]
        case ("sessions", nil, nil): return [.sessions]
        case ("sessions", let context?, "reconnect"): return [.reconnect(context: context)]
        case ("sessions", let context?, "canary"): return [.canary(context: context)]
        case ("tunnels", nil, nil): return [.tunnels, .openTunnel]
        case ("tunnels", let name?, nil): return [.tunnel(name), .closeTunnel(name)]
        case ("tunnels", let name?, "claim"): return [.claimTunnel(name)]
        case ("tunnels", let name?, "file"): return [.tunnelFile(name)]
        case ("tunnels", let name?, "requests"): return [.requests(tunnel: name)]
        case ("tunnels", let name?, "capture"): return [.capture(tunnel: name)]
        case ("tunnels", let name?, let change?):
            return TunnelChange(rawValue: change).map { [.changeTunnel(name, $0)] } ?? []
        case (let change, nil, nil) where TunnelChange(rawValue: change) != nil:
            return TunnelChange(rawValue: change).map { [.changeTunnels($0)] } ?? []
        case ("dial", let tunnel?, nil): return [.dial(tunnel, context: try parameter("context", of: query))]
        case ("streams", nil, nil): return [.streams(tunnel: try parameter("tunnel", of: query))]
        case ("streams", "recent", nil): return [.recentStreams(tunnel: try parameter("tunnel", of: query))]
        case ("streams", let id?, nil): return [.cutStream(id)]
        case ("reload", nil, nil): return [.reload]
        case ("upgrade", nil, nil): return [.upgrade]
        case ("events", nil, nil): return [.events]
        case ("log", nil, nil): return [.logLevel, .setLogLevel]
        case ("config", nil, nil): return [.config]
        case ("health", "live", nil): return [.live]
        case ("health", "ready", nil): return [.ready]
        case ("openapi.json", nil, nil): return [.openAPI]
        default: return []
        }
    }

    /// The parameters that the call takes.
    private var parameters: [String] {
        switch self {
        case .streams, .recentStreams: ["tunnel"]
        case .dial: ["context"]
        case .status, .sessions, .reconnect, .canary, .tunnels, .tunnel, .changeTunnel, .changeTunnels, .openTunnel,
            .closeTunnel, .claimTunnel, .tunnelFile, .requests, .capture, .cutStream, .events, .reload, .upgrade,
            .logLevel, .setLogLevel, .config, .live, .ready, .metrics, .openAPI:
            []
        }
    }

    /// Refuses unknown parameters: a client that sends `?dryRun=true` must not cause a reload.
    private func checkParameters(of query: some StringProtocol) throws(Problem) {
        for pair in query.split(byte: "&") {
            let name = pair.split(byte: "=", maxSplits: 1, omittingEmpty: false)[0]
            guard parameters.contains(where: { $0.sameBytes(as: name) }) else {
                let known = parameters.isEmpty ? "no parameters" : parameters.joined(separator: ", ")
                throw Problem(
                    .badRequest,
                    "there is no parameter \(name.cut(toBytes: 64)) here; this call takes \(known)"
                )
            }
        }
    }

    /// The value of a parameter, the last one if it is given twice.
    private static func parameter(_ name: String, of query: String) throws(Problem) -> String? {
        var value: String?
        for pair in query.split(byte: "&") {
            let parts = pair.split(byte: "=", maxSplits: 1, omittingEmpty: false)
            guard parts[0].sameBytes(as: name) else { continue }
            value = try decoded(parts.count > 1 ? parts[1] : "", "the parameter \(name)", plusIsSpace: true)
        }
        return value
    }

    /// Decodes a name of a request, and limits its length because it is compared with others.
    private static func decoded(
        _ text: Substring,
        _ place: String,
        plusIsSpace: Bool = false
    ) throws(Problem) -> String {
        guard let decoded = PercentEncoding.decode(text, plusIsSpace: plusIsSpace) else {
            throw Problem(.badRequest, "\(place) is not percent-encoded UTF-8")
        }
        guard decoded.utf8.count <= longestName else {
            throw Problem(.badRequest, "\(place) has a name longer than \(longestName) bytes")
        }
        return decoded
    }
}
