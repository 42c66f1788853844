// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import GuardedJSON
internal import Linux
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import Rstream
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay

/// The calls of the admin API that the request loop carries out, in order with everything else that changes what runs.
/// Each throws if the daemon stops before.
protocol DaemonControl: Sendable {
    func reload(dryRun: Bool) async throws(Problem) -> ReloadOutcome
    /// Returns what happens to the streams of each tunnel that is concerned; of none when there is no such tunnel.
    func change(_ order: TunnelChangeOrder) async throws(Problem) -> [StreamOutlook]
    /// Returns how many sessions reconnect.
    func reconnect(_ context: String) async throws(Problem) -> Int
    /// Sends a canary by each session of a context; by none when there is no such session.
    func tryCanary(_ context: String) async throws(Problem) -> [CanaryReport]
    /// Returns the running configuration, with secrets as `***`.
    func configuration() async throws(Problem) -> ConfigurationDocument
    /// Opens a tunnel by hand.
    func open(_ request: TunnelRequest) async throws(Problem) -> TunnelOpening
    /// Closes a tunnel that was opened by hand.
    func close(_ tunnel: String) async throws(Problem) -> TunnelClosing
    /// Gives a tunnel by hand to another connection after a take-over.
    func claim(_ claim: TunnelClaim) async throws(Problem) -> TunnelClaiming
    /// Returns a tunnel that was opened by hand as a tunnel file; nil when there is none of that name.
    func tunnelFile(_ tunnel: String) async throws(Problem) -> String?
    /// Returns the client for dials of a context, or of that of tunnels that name none; nil when there is none.
    func dialer(_ context: String?) async throws(Problem) -> RstreamClient?
    /// Ends the tunnels that were opened by this connection.
    func connectionEnded(_ connection: ClientConnection)
    /// Starts the program at the daemon's path, which takes over. Returns when that is decided.
    func upgrade() async throws(Problem) -> UpgradeReply
    /// The components of the daemon that have stalled.
    var stalls: [String] { get }
}

/// Answers the calls of the admin API (contract §6).
///
/// Immutable. ``AdminAccess`` decides who may call what, and every change is logged with the client's process.
struct AdminRouter: Sendable {
    let statusStore: StatusStore
    let streams: StreamTable
    /// Those of processes before this one, where there may be any.
    var previousStreams: PreviousStreams?
    let dials: DirectDials
    let metrics: MetricsPage
    let level: LogLevelSwitch
    let daemon: any DaemonControl
    let rules: AdminAccessRules
    let logger: Logger

    func answer(_ call: HTTPCall) async -> HTTPReply {
        do throws(Problem) {
            guard call.rights.mayRead else { throw forbidden(call, mayRead: false) }
            if let document = PageDocument(target: call.target) { return try await answer(document, call) }
            let route = try Route(method: call.method, target: call.target)
            guard call.rights.mayChange || !route.changesSomething else { throw forbidden(call, mayRead: true) }
            let reply = try await answer(route, call)
            if route.changesSomething, !reply.isDryRun { log(route, call, reply) }
            return reply
        } catch {
            var reply = HTTPReply.problem(error)
            if error.code == .methodNotAllowed, let allowed = Self.allowed(at: call.target) {
                reply.headers.append((name: "Allow", value: allowed))
            }
            return reply
        }
    }

    /// What the metrics port serves: what monitoring asks, and nothing that needs rights.
    private static let portPaths = [Route.metrics, .live, .ready].map(\.path)

    /// Answers a request to the metrics port.
    func answerMetrics(_ call: HTTPCall) async -> HTTPReply {
        let path = call.target.split(byte: "?", maxSplits: 1, omittingEmpty: false)[0]
        guard Self.portPaths.contains(where: { $0.sameBytes(as: path) }) else {
            let known = Self.portPaths.joined(separator: ", ")
            return .problem(Problem(.unknownPath, "unknown path; this port serves \(known)"))
        }
        guard call.method == "GET" || call.method == "HEAD" else {
            var reply = HTTPReply.problem(Problem(.methodNotAllowed, "use GET"))
            reply.headers.append((name: "Allow", value: "GET"))
            return reply
        }
        do throws(Problem) {
            switch try Route(method: call.method, target: call.target) {
            case .live: return health(daemon.stalls)
            // A client of the port learns names and states, and not what an engine or a file has said.
            case .ready: return health(statusStore.notReadyReasons(withErrors: false))
            default: return await metricsReply(to: call)
            }
        } catch {
            return .problem(error)
        }
    }

    private func forbidden(_ call: HTTPCall, mayRead: Bool) -> Problem {
        Problem(.forbidden, rules.access.refusal(of: call.peer, mayRead: mayRead))
    }

    private static func allowed(at target: String) -> String? {
        PageDocument(target: target) == nil ? Route.allowed(at: target) : "GET"
    }

    func answer(_ route: Route, _ call: HTTPCall) async throws(Problem) -> HTTPReply {
        switch route {
        case .status: return .json(statusStore.status(active: streams.activeCount))
        case .sessions: return .json(statusStore.sessionStatuses)
        case .tunnels: return .json(statusStore.tunnelStatuses)
        case .tunnel(let name):
            guard let tunnel = statusStore.tunnelStatuses.first(where: { $0.name.sameBytes(as: name) }) else {
                throw unknown(tunnel: name)
            }
            return .json(tunnel)
        case .streams(let tunnel):
            if let tunnel, !statusStore.knows(tunnel: tunnel) { throw unknown(tunnel: tunnel) }
            return .json(await openStreams(of: tunnel))
        case .recentStreams(let tunnel):
            if let tunnel, !statusStore.knows(tunnel: tunnel) { throw unknown(tunnel: tunnel) }
            return .json(statusStore.endedStreams(of: tunnel))
        case .cutStream(let id):
            guard await cut(id) else {
                throw Problem(.notFound, "there is no open stream with this id")
            }
            return .noContent
        case .reload:
            let request = try body(ReloadRequest.self, fields: ["dryRun"], of: call) ?? ReloadRequest()
            let dryRun = request.dryRun ?? false
            let (outcome, peer) = (try await daemon.reload(dryRun: dryRun), call.peer)
            // Looking up the peer's groups may ask another host.
            let reply = await BlockingThreads.accounts.run { ReloadReply(outcome, dryRun: dryRun, for: .peer(peer)) }
            var answer = HTTPReply.json(reply, status: reply.outcome == .refused ? .unprocessableEntity : .ok)
            answer.isDryRun = reply.dryRun
            return answer
        case .upgrade:
            let reply = try await daemon.upgrade()
            return .json(reply, status: reply.outcome == .refused ? .unprocessableEntity : .ok)
        case .reconnect(let context):
            guard try await daemon.reconnect(context) > 0 else {
                throw unknown(context: context)
            }
            return .json(Accepted(action: "reconnect", target: context), status: .accepted)
        case .canary(let context):
            let reports = try await daemon.tryCanary(context)
            guard !reports.isEmpty else { throw unknown(context: context) }
            return .json(reports)
        case .changeTunnel(let name, let change):
            guard let accepted = try await self.change(name, change, call).first else { throw unknown(tunnel: name) }
            return .json(accepted, status: .accepted)
        case .changeTunnels(let change): return .json(try await self.change(nil, change, call), status: .accepted)
        case .openTunnel: return try await open(call)
        case .closeTunnel(let name):
            switch try await daemon.close(name) {
            case .closed: return .noContent
            case .ofFiles(let mark):
                throw Problem(.conflict, "the tunnel is defined at \(mark); remove it there and reload, or disable it")
            case .unknown: throw unknown(tunnel: name)
            }
        case .claimTunnel(let name): return try await claim(name, call)
        case .tunnelFile(let name):
            guard let text = try await daemon.tunnelFile(name) else {
                guard statusStore.knows(tunnel: name) else { throw unknown(tunnel: name) }
                throw Problem(.conflict, "the tunnel was not opened by hand: it is in a file already")
            }
            return HTTPReply(status: .ok, type: "application/yaml", content: .bytes(Array(text.utf8)))
        case .requests(let name):
            guard let requests = statusStore.requests(of: name, everything: call.rights.mayChange) else {
                throw unknown(tunnel: name)
            }
            return .json(requests)
        case .capture(let name): return try capture(name, call)
        case .dial(let tunnel, let context): return try await dial(tunnel, context, call)
        case .events: return try events(call)
        case .logLevel: return .json(LogLevelDocument(level: level.current.rawValue))
        case .setLogLevel: return try setLogLevel(call)
        case .config: return .json(try await daemon.configuration())
        case .live: return health(daemon.stalls)
        case .ready: return health(statusStore.notReadyReasons())
        case .metrics: return await metricsReply(to: call)
        case .openAPI:
            return HTTPReply(
                status: .ok,
                type: "application/json",
                content: .bytes(Array(OpenAPIDocument.text(version: rstreamVersion).utf8))
            )
        }
    }

    /// The open streams of this process and, before them, of those that it has taken over from.
    func openStreams(of tunnel: String?) async -> [StreamStatus] {
        await previousStreams(of: tunnel) + statusStore.streamStatuses(of: tunnel)
    }

    /// Answers at once when there is no such process.
    private func previousStreams(of tunnel: String?) async -> [StreamStatus] {
        guard let previousStreams, statusStore.hasPrevious else { return [] }
        return await previousStreams.list().filter { stream in
            tunnel.map { stream.tunnel?.sameBytes(as: $0) == true } ?? true
        }
    }

    private func cut(_ id: String) async -> Bool {
        if let previous = PreviousStreamID(id) {
            guard let previousStreams, statusStore.hasPrevious(previous.process) else { return false }
            return await previousStreams.cut(previous.stream, of: previous.process)
        }
        guard let number = UInt64(id), id.sameBytes(as: String(number)) else { return false }
        return streams.cut(number)
    }

    /// Changes one tunnel, or all.
    private func change(
        _ tunnel: String?,
        _ change: Route.TunnelChange,
        _ call: HTTPCall
    ) async throws(Problem) -> [Accepted] {
        let fields: Set = change == .enable ? [] : ["untilEnabled"]
        let request = try body(TunnelChangeRequest.self, fields: fields, of: call)
        let order = TunnelChangeOrder(
            tunnel: tunnel,
            change: change,
            untilEnabled: request?.untilEnabled ?? false
        )
        return try await daemon.change(order).map { outlook in
            Accepted(
                action: change.rawValue,
                target: outlook.tunnel,
                streams: outlook.streams,
                disposition: outlook.disposition.rawValue,
                cutAt: outlook.cutAt,
                until: outlook.until
            )
        }
    }

    func unknown(tunnel name: String) -> Problem {
        let known = statusStore.tunnelStatuses.map(\.name)
        let nearest = NearestWord.find(name, among: known).map { ", did you mean \"\($0)\"?" } ?? ""
        return Problem(.notFound, "there is no tunnel \"\(name.cut(toBytes: 256))\"\(nearest)")
    }

    private func unknown(context name: String) -> Problem {
        let known = statusStore.sessionStatuses.map(\.context)
        let nearest = NearestWord.find(name, among: known).map { ", did you mean \"\($0)\"?" } ?? ""
        return Problem(.notFound, "no session has the context \"\(name.cut(toBytes: 256))\"\(nearest)")
    }

    private func health(_ reasons: [String]) -> HTTPReply {
        let health = Health(reasons: reasons)
        return .json(health, status: health.isHealthy ? .ok : .serviceUnavailable)
    }

    private func metricsReply(to call: HTTPCall) async -> HTTPReply {
        let format = MetricsFormat(accept: call.headers["Accept"].joined(separator: ","))
        var reply = HTTPReply(
            status: .ok,
            type: format.mediaType,
            content: .bytes(Array(await metrics.text(format).utf8))
        )
        reply.headers.append((name: "Vary", value: "Accept"))
        return reply
    }

    private func events(_ call: HTTPCall) throws(Problem) -> HTTPReply {
        var next = statusStore.events.next
        if let text = call.headers.first(name: "Last-Event-ID"), !text.isEmpty {
            guard let last = Int(text), last >= 0, last < .max else {
                throw Problem(.badRequest, "Last-Event-ID must be an event id")
            }
            next = last == 0 ? EventRing.oldest : last + 1
        }
        return call.stream(.events(from: next))
    }

    private func capture(_ name: String, _ call: HTTPCall) throws(Problem) -> HTTPReply {
        guard let log = statusStore.requestLog(of: name) else { throw unknown(tunnel: name) }
        guard log.isOn else {
            throw Problem(.conflict, "the tunnel is not inspected; set inspect: true for it, and reload")
        }
        return call.stream(.requests(of: log))
    }

    private func setLogLevel(_ call: HTTPCall) throws(Problem) -> HTTPReply {
        guard let document = try body(LogLevelDocument.self, fields: ["level"], of: call) else {
            throw Problem(.badRequest, "the body must be a log level, as in {\"level\":\"debug\"}")
        }
        guard let wanted = LogSettings.Level(rawValue: document.level) else {
            let levels = LogLevelDocument.levels.joined(separator: ", ")
            throw Problem(.badRequest, "unknown level; use one of \(levels)")
        }
        level.override(wanted)
        return .json(LogLevelDocument(level: wanted.rawValue))
    }

    /// The body of a call; nil when it is empty. An unknown field is an error: a client that misspells `dryRun` does
    /// not want a reload.
    private func body<Value: Decodable>(
        _ type: Value.Type,
        fields: Set<String>,
        of call: HTTPCall
    ) throws(Problem) -> Value? {
        guard !call.body.isEmpty else { return nil }
        try checkMediaType(of: call)
        do throws(GuardedJSON.Failure) {
            let limit = AdminJSON.longestRequest
            if case .object(let object) = try AdminJSON.decode(JSONValue.self, from: call.body, limit: limit),
                fields.isSuperset(of: object.keys), !object.values.contains(.null)
            {
                return try AdminJSON.decode(type, from: call.body, limit: limit)
            }
        } catch {
            throw Problem(.badRequest, "invalid JSON: \(error); see /v1/openapi.json")
        }
        throw Problem(.badRequest, "the body does not match the schema of this call; see /v1/openapi.json")
    }

    func checkMediaType(of call: HTTPCall) throws(Problem) {
        if let media = call.headers.first(name: "Content-Type") {
            let essence = media.utf8.prefix { $0 != UInt8(ascii: ";") }.filter { $0 != UInt8(ascii: " ") }
            // The second is the default of curl.
            let known = ["application/json", "application/x-www-form-urlencoded"]
            guard known.contains(String(decoding: essence, as: UTF8.self).asciiLowercased) else {
                throw Problem(.unsupportedMediaType, "the body must be application/json")
            }
        }
    }

    private func log(_ route: Route, _ call: HTTPCall, _ reply: HTTPReply) {
        logger.notice(
            "admin request",
            metadata: [
                "call": "\(route.method) \(route.path)", "status": .stringConvertible(reply.status.code),
                "peer_uid": .stringConvertible(call.peer.user), "peer_pid": .stringConvertible(call.peer.process),
            ]
        )
    }
}
