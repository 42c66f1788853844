// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import GuardedJSON
import NIOCore
import NIOHTTP1
import RstreamModel

/// The engine's HTTP API (CONFIG.md §12), and `/api/dev/...`, which only this engine has.
enum EngineAPI {
    static func answer(_ target: RequestTarget, head: HTTPRequestHead, body: ByteBuffer, on exchange: HTTPExchange) {
        let engine = exchange.engine
        if target.path.sameBytes(as: EngineInventory.path), target.method == .GET || target.method == .HEAD {
            return exchange.answer(EngineInventory(of: engine, askedBy: target.host).answer)
        }
        guard target.path.startsWithBytes(of: "/api/") else {
            let host = target.host ?? ""
            return exchange.answer(
                .text(.notFound, "No tunnel is published at \(host); the engine itself has only /api.")
            )
        }
        let path = String(Substring(target.path.utf8.dropFirst("/api".utf8.count)))
        switch (target.method, path) {
        case (.GET, "/health/live"): return exchange.answer(.json(["status": "live"]))
        case (.GET, "/health/ready"): return exchange.answer(.json(["status": "ready"]))
        case (.GET, "/openapi.json"): return exchange.answer(.json(OpenAPI()))
        default: break
        }
        let token = target.token(orQuery: path == "/sse" || path == "/websocket")
        guard engine.authentication.accepts(token) || exchange.showsRegisteredCertificate else {
            return exchange.answer(.json(["error": "Unauthorized."], status: .unauthorized))
        }
        switch (target.method, path) {
        case (.GET, "/sse"): Watch.overSSE(target, on: exchange)
        case (.GET, "/websocket"): Watch.overWebSocket(target, head, on: exchange)
        default: exchange.answer(answer(target.method, path, target, body, engine))
        }
    }

    private static func answer(
        _ method: HTTPMethod,
        _ path: String,
        _ target: RequestTarget,
        _ body: ByteBuffer,
        _ engine: Engine
    ) -> HTTPResponse {
        switch (method, path) {
        case (.GET, "/auth"): return .json(["status": "ok"])
        case (.GET, "/tunnels"):
            return list(target, engine.tunnelDocuments) { (filters: TunnelFilters, tunnel) in filters.matches(tunnel) }
        case (.GET, "/clients"):
            return list(target, engine.clientDocuments) { (filters: ClientFilters, client) in filters.matches(client) }
        case (.GET, _) where path.startsWithBytes(of: "/tunnels/"):
            let id = Substring(path.utf8.dropFirst("/tunnels/".utf8.count))
            guard let tunnel = engine.tunnels.all.first(where: { $0.id.sameBytes(as: id) }) else {
                return .json(["error": "Tunnel not found."], status: .notFound)
            }
            return .json(TunnelDocument(tunnel))
        case (.GET, "/dev/stats"): return .json(engine.statistics)
        case (.PUT, "/dev/faults"): return setFaults(body, engine)
        case (.POST, "/dev/drop-control-channels"):
            engine.dropControlChannels()
            return .json(["status": "ok"])
        case (.POST, "/dev/close-tunnels"):
            engine.closeTunnels()
            return .json(["status": "ok"])
        default: return .json(["error": "No such endpoint."], status: .notFound)
        }
    }

    private static func list<Filters: Decodable, Document: Encodable>(
        _ target: RequestTarget,
        _ all: [Document],
        _ matches: (Filters, Document) -> Bool
    ) -> HTTPResponse {
        let parameters: ListParameters<Filters>?
        do {
            parameters = try target.parameters()
        } catch {
            return .json(["error": "The parameter params is not valid."], status: .badRequest)
        }
        var found = all
        if let filters = parameters?.filters { found = found.filter { matches(filters, $0) } }
        if let limit = parameters?.limit, limit >= 0 { found = Array(found.prefix(limit)) }
        return .json(found)
    }

    private static func setFaults(_ body: ByteBuffer, _ engine: Engine) -> HTTPResponse {
        do {
            let texts = try GuardedJSON.decode(
                [String].self,
                from: body.readableBytesView,
                limit: EngineLimits.requestBodyBytes
            )
            engine.faults = FaultPlan(try texts.map { try Fault($0) })
            return .json(texts)
        } catch let error as Fault.Malformed {
            return .json(["error": error.description], status: .badRequest)
        } catch {
            return .json(["error": "The body is a JSON array of texts."], status: .badRequest)
        }
    }
}

extension RequestTarget {
    /// The JSON of the query's `params`; nil when there is none.
    func parameters<Parameters: Decodable>() throws -> Parameters? {
        guard let text = value(of: "params") else { return nil }
        return try GuardedJSON.decode(Parameters.self, from: text.utf8, limit: EngineLimits.requestHeadBytes)
    }
}

extension Engine {
    var tunnelDocuments: [TunnelDocument] { tunnels.all.map(TunnelDocument.init) }

    var clientDocuments: [ClientDocument] {
        clients.values.sorted { $0.created < $1.created }.map(ClientDocument.init)
    }

    /// Resets every control connection; relayed streams continue.
    func dropControlChannels() {
        for client in clients.values { client.end(reason: "dropped on request", abruptly: true) }
    }

    /// Ends every tunnel without a request.
    func closeTunnels() {
        for tunnel in tunnels.all { tunnel.owner?.endTunnel(tunnel) }
    }
}

/// A short description of the API for tools that ask.
private struct OpenAPI: Encodable {
    private struct Info: Encodable {
        let title = "rstream development engine"
        let version = "1"
    }

    private struct Operation: Encodable {
        let summary: String
    }

    let openapi = "3.1.0"
    private let info = Info()
    private let paths: [String: [String: Operation]] = [
        "/api/health/live": ["get": Operation(summary: "Whether the engine runs")],
        "/api/health/ready": ["get": Operation(summary: "Whether the engine takes agents")],
        "/api/auth": ["get": Operation(summary: "Whether the credential is accepted")],
        "/api/tunnels": ["get": Operation(summary: "Open tunnels")],
        "/api/tunnels/{id}": ["get": Operation(summary: "One tunnel")],
        "/api/clients": ["get": Operation(summary: "Connected agents")],
        "/api/sse": ["get": Operation(summary: "Events as a text/event-stream")],
        "/api/websocket": ["get": Operation(summary: "Events as WebSocket text messages")],
        "/api/dev/stats": ["get": Operation(summary: "Counters and the last agent messages")],
        "/api/dev/faults": ["put": Operation(summary: "Replace the active faults")],
        "/api/dev/drop-control-channels": ["post": Operation(summary: "Reset every control connection")],
        "/api/dev/close-tunnels": ["post": Operation(summary: "End every tunnel")],
    ]
}
