internal import GuardedJSON
internal import Linux
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay

/// What the admin API asks of the daemon beside what its status store knows. Each call waits for its turn among all
/// that changes what runs, and throws when the daemon stops before that.
protocol DaemonControl: Sendable {
    func reload(dryRun: Bool) async throws(Problem) -> ReloadOutcome
    /// What becomes of the tunnel's streams; nil when there is no such tunnel.
    func change(_ tunnel: String, _ change: Route.TunnelChange) async throws(Problem) -> StreamProspect?
    /// How many sessions the context has.
    func reconnect(_ context: String) async throws(Problem) -> Int
    /// What runs, secrets as `***`.
    func configuration() async throws(Problem) -> ConfigurationDocument
    /// Why the daemon does not do its work; empty when it does.
    var ailments: [String] { get }
}

/// Answers the calls of the admin API (contract §6).
///
/// Immutable; who may call is decided by the socket's mode and group, and every change is logged with who made it.
struct AdminRouter: Sendable {
    let statusStore: StatusStore
    let streams: StreamTable
    let metrics: MetricsPage
    let level: LogLevelSwitch
    let daemon: any DaemonControl
    let logger: Logger

    func answer(_ call: HTTPCall) async -> HTTPReply {
        do throws(Problem) {
            let route = try Route(method: call.method, target: call.target)
            let reply = try await answer(route, call)
            if route.changesSomething, !reply.isRehearsal { log(route, call, reply) }
            return reply
        } catch {
            var reply = HTTPReply.problem(error)
            if error.code == .methodNotAllowed, let allowed = Route.allowed(at: call.target) {
                reply.headers.append((name: "Allow", value: allowed))
            }
            return reply
        }
    }

    /// What a port for metrics answers: nothing else is there.
    func answerMetrics(_ call: HTTPCall) async -> HTTPReply {
        guard call.target.sameBytes(as: "/metrics") || call.target.startsWithBytes(of: "/metrics?") else {
            return .problem(Problem(.unknownPath, "there is nothing but /metrics here"))
        }
        guard call.method == "GET" || call.method == "HEAD" else {
            var reply = HTTPReply.problem(Problem(.methodNotAllowed, "this path takes GET"))
            reply.headers.append((name: "Allow", value: "GET"))
            return reply
        }
        do throws(Problem) {
            _ = try Route(method: call.method, target: call.target)
        } catch {
            return .problem(error)
        }
        return await metricsReply()
    }

    private func answer(_ route: Route, _ call: HTTPCall) async throws(Problem) -> HTTPReply {
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
            return .json(statusStore.streamStatuses(of: tunnel))
        case .recentStreams(let tunnel):
            if let tunnel, !statusStore.knows(tunnel: tunnel) { throw unknown(tunnel: tunnel) }
            return .json(statusStore.endedStreams(of: tunnel))
        case .cutStream(let id):
            guard let number = UInt64(id), id.sameBytes(as: String(number)), streams.cut(number) else {
                throw Problem(.notFound, "there is no open stream of that id")
            }
            return .noContent
        case .reload:
            let request = try body(ReloadRequest.self, fields: ["dryRun"], of: call) ?? ReloadRequest()
            let dryRun = request.dryRun ?? false
            let (outcome, peer) = (try await daemon.reload(dryRun: dryRun), call.peer)
            // Who may read what is complained about may be another host's to say.
            let reply = await BlockingThreads.accounts.run { ReloadReply(outcome, dryRun: dryRun, for: .peer(peer)) }
            var answer = HTTPReply.json(reply, status: reply.outcome == .refused ? .unprocessableEntity : .ok)
            answer.isRehearsal = reply.dryRun
            return answer
        case .reconnect(let context):
            guard try await daemon.reconnect(context) > 0 else {
                throw unknown(context: context)
            }
            return .json(Accepted(action: "reconnect", target: context), status: .accepted)
        case .changeTunnel(let name, let change):
            guard let prospect = try await daemon.change(name, change) else { throw unknown(tunnel: name) }
            let accepted = Accepted(
                action: change.rawValue,
                target: name,
                streams: prospect.streams,
                disposition: prospect.disposition.rawValue,
                cutAt: prospect.cutAt
            )
            return .json(accepted, status: .accepted)
        case .events: return try events(call)
        case .logLevel: return .json(LogLevelDocument(level: level.current.rawValue))
        case .setLogLevel: return try setLogLevel(call)
        case .config: return .json(try await daemon.configuration())
        case .live: return health(daemon.ailments)
        case .ready: return health(statusStore.unreadiness)
        case .metrics: return await metricsReply()
        case .openAPI:
            return HTTPReply(
                status: .ok,
                type: "application/json",
                content: .bytes(Array(OpenAPIDocument.text(version: rstreamVersion).utf8))
            )
        }
    }

    /// Says which name that is: whoever wrote it may have meant another one.
    private func unknown(tunnel name: String) -> Problem {
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

    private func metricsReply() async -> HTTPReply {
        HTTPReply(status: .ok, type: MetricsPage.mediaType, content: .bytes(Array(await metrics.text().utf8)))
    }

    private func events(_ call: HTTPCall) throws(Problem) -> HTTPReply {
        var next = statusStore.events.next
        if let text = call.headers.first(name: "Last-Event-ID"), !text.isEmpty {
            guard let last = Int(text), last >= 0, last < .max else {
                throw Problem(.badRequest, "Last-Event-ID has to be the id of an event")
            }
            next = last == 0 ? EventRing.oldest : last + 1
        }
        return HTTPReply(status: .ok, type: HTTPConnection.eventStream, content: .events(from: next))
    }

    private func setLogLevel(_ call: HTTPCall) throws(Problem) -> HTTPReply {
        guard let document = try body(LogLevelDocument.self, fields: ["level"], of: call) else {
            throw Problem(.badRequest, "the body has to be a level, as in {\"level\":\"debug\"}")
        }
        guard let wanted = LogSettings.Level(rawValue: document.level) else {
            let levels = LogLevelDocument.levels.joined(separator: ", ")
            throw Problem(.badRequest, "there is no such level; use one of \(levels)")
        }
        level.override(wanted)
        return .json(LogLevelDocument(level: wanted.rawValue))
    }

    /// The body of a call; nil when it is empty. A field that is not known is a mistake: whoever misspells `dryRun` does
    /// not want a reload.
    private func body<Value: Decodable>(
        _ type: Value.Type,
        fields: Set<String>,
        of call: HTTPCall
    ) throws(Problem) -> Value? {
        guard !call.body.isEmpty else { return nil }
        if let media = call.headers.first(name: "Content-Type") {
            let essence = media.utf8.prefix { $0 != UInt8(ascii: ";") }.filter { $0 != UInt8(ascii: " ") }
            // The second is what curl calls a body that nobody described.
            let known = ["application/json", "application/x-www-form-urlencoded"]
            guard known.contains(String(decoding: essence, as: UTF8.self).asciiLowercased) else {
                throw Problem(.unsupportedMediaType, "the body has to be application/json")
            }
        }
        do throws(GuardedJSON.Failure) {
            let limit = AdminJSON.longestRequest
            if case .object(let object) = try AdminJSON.decode(JSONValue.self, from: call.body, limit: limit),
                fields.isSuperset(of: object.keys), !object.values.contains(.null)
            {
                return try AdminJSON.decode(type, from: call.body, limit: limit)
            }
        } catch {
            throw Problem(.badRequest, "the body cannot be read: \(error); see /v1/openapi.json")
        }
        throw Problem(.badRequest, "the body is not the JSON that this call takes; see /v1/openapi.json")
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
