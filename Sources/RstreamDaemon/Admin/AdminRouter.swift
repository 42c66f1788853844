// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

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

/// The calls of the admin API that the request loop carries out, in order with everything else that changes what runs.
/// Each throws if the daemon stops before.
protocol DaemonControl: Sendable {
    func reload(dryRun: Bool) async throws(Problem) -> ReloadOutcome
    /// Returns what happens to the tunnel's streams; nil when there is no such tunnel.
    func change(_ tunnel: String, _ change: Route.TunnelChange) async throws(Problem) -> StreamOutlook?
    /// Returns how many sessions reconnect.
    func reconnect(_ context: String) async throws(Problem) -> Int
    /// Returns the running configuration, with secrets as `***`.
    func configuration() async throws(Problem) -> ConfigurationDocument
    /// The components of the daemon that have stalled.
    var stalls: [String] { get }
}

/// Answers the calls of the admin API (contract §6).
///
/// Immutable. The socket's mode and group decide who may call, and every change is logged with the client's process.
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
            if route.changesSomething, !reply.isDryRun { log(route, call, reply) }
            return reply
        } catch {
            var reply = HTTPReply.problem(error)
            if error.code == .methodNotAllowed, let allowed = Route.allowed(at: call.target) {
                reply.headers.append((name: "Allow", value: allowed))
            }
            return reply
        }
    }

    /// Answers a request to the metrics port.
    func answerMetrics(_ call: HTTPCall) async -> HTTPReply {
        guard call.target.sameBytes(as: "/metrics") || call.target.startsWithBytes(of: "/metrics?") else {
            return .problem(Problem(.unknownPath, "unknown path; this port serves /metrics only"))
        }
        guard call.method == "GET" || call.method == "HEAD" else {
            var reply = HTTPReply.problem(Problem(.methodNotAllowed, "use GET"))
            reply.headers.append((name: "Allow", value: "GET"))
            return reply
        }
        do throws(Problem) {
            _ = try Route(method: call.method, target: call.target)
        } catch {
            return .problem(error)
        }
        return await metricsReply(to: call)
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
        case .reconnect(let context):
            guard try await daemon.reconnect(context) > 0 else {
                throw unknown(context: context)
            }
            return .json(Accepted(action: "reconnect", target: context), status: .accepted)
        case .changeTunnel(let name, let change):
            guard let outlook = try await daemon.change(name, change) else { throw unknown(tunnel: name) }
            let accepted = Accepted(
                action: change.rawValue,
                target: name,
                streams: outlook.streams,
                disposition: outlook.disposition.rawValue,
                cutAt: outlook.cutAt
            )
            return .json(accepted, status: .accepted)
        case .events: return try events(call)
        case .logLevel: return .json(LogLevelDocument(level: level.current.rawValue))
        case .setLogLevel: return try setLogLevel(call)
        case .config: return .json(try await daemon.configuration())
        case .live: return health(daemon.stalls)
        case .ready: return health(statusStore.notReadyReasons)
        case .metrics: return await metricsReply(to: call)
        case .openAPI:
            return HTTPReply(
                status: .ok,
                type: "application/json",
                content: .bytes(Array(OpenAPIDocument.text(version: rstreamVersion).utf8))
            )
        }
    }

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
        return HTTPReply(status: .ok, type: HTTPConnection.eventStream, content: .events(from: next))
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
        if let media = call.headers.first(name: "Content-Type") {
            let essence = media.utf8.prefix { $0 != UInt8(ascii: ";") }.filter { $0 != UInt8(ascii: " ") }
            // The second is the default of curl.
            let known = ["application/json", "application/x-www-form-urlencoded"]
            guard known.contains(String(decoding: essence, as: UTF8.self).asciiLowercased) else {
                throw Problem(.unsupportedMediaType, "the body must be application/json")
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
            throw Problem(.badRequest, "invalid JSON: \(error); see /v1/openapi.json")
        }
        throw Problem(.badRequest, "the body does not match the schema of this call; see /v1/openapi.json")
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
