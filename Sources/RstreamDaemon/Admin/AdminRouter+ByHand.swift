// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import GuardedJSON
internal import NIOHTTP1
internal import Rstream
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamModel
internal import RstreamRelay

/// Tunnels that are opened by hand and claimed after a take-over, and connections to private tunnels.
extension AdminRouter {
    /// `POST /v1/tunnels`. The tunnel exists when this is answered, and gets its address later.
    func open(_ call: HTTPCall) async throws(Problem) -> HTTPReply {
        try checkMediaType(of: call)
        let body: JSONValue
        do throws(GuardedJSON.Failure) {
            body = try AdminJSON.decode(JSONValue.self, from: call.body, limit: AdminJSON.longestRequest)
        } catch {
            throw Problem(.badRequest, "invalid JSON: \(error); see /v1/openapi.json")
        }
        let request = try TunnelRequest(body, of: call)
        let name: String
        let warnings: [Diagnostic]
        switch try await daemon.open(request) {
        case .opened(let opened, let diagnostics): (name, warnings) = (opened, diagnostics)
        case .refused(let diagnostics): throw Problem(invalid: diagnostics)
        case .full(let refusal): throw Problem(refusal)
        }
        var status = try self.status(of: name)
        if !warnings.isEmpty { status.diagnostics = warnings.map(DiagnosticReport.init) }
        var reply = HTTPReply.json(status, status: .created)
        reply.headers.append((name: "Location", value: Route.tunnel(name).path))
        if let connection = request.connection {
            reply.whenConnectionEnds = { [daemon] in daemon.connectionEnded(connection) }
        }
        return reply
    }

    private func status(of name: String) throws(Problem) -> TunnelStatus {
        guard let status = statusStore.tunnelStatuses.first(where: { $0.name.sameBytes(as: name) }) else {
            throw Problem(.internalError, "the tunnel has ended already")
        }
        return status
    }

    /// `POST /v1/tunnels/{name}/claim`. The tunnel belongs to the connection of the call when this is answered.
    func claim(_ name: String, _ call: HTTPCall) async throws(Problem) -> HTTPReply {
        let claim = try TunnelClaim(name, of: call)
        switch try await daemon.claim(claim) {
        case .claimed: break
        case .ofFiles(let mark):
            throw Problem(.conflict, "the tunnel is defined at \(mark), and belongs to no connection")
        case .unknown: throw unknown(tunnel: name)
        case .refused(let refusal): throw Problem(refusal, of: call.peer) ?? unknown(tunnel: name)
        }
        // From here on the end of the connection is the tunnel's, whatever becomes of the answer.
        let connection = claim.connection
        var reply: HTTPReply
        do throws(Problem) {
            reply = .json(try status(of: name))
        } catch {
            reply = .problem(error)
        }
        reply.whenConnectionEnds = { [daemon] in daemon.connectionEnded(connection) }
        return reply
    }

    /// The protocol that a connection to a tunnel speaks after its answer: the bytes of the stream.
    static let streamProtocol = "rstream-stream"
    /// The answer to a client whose connection is the stream from then on.
    private static let switching =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: \(streamProtocol)\r\n\r\n"

    private static let answer = StreamAnswer(accepted: Array(switching.utf8)) { error in
        let problem = Problem(.notReachable, "\(error)")
        let body = (try? AdminJSON.encode(problem)) ?? []
        let head =
            "HTTP/1.1 \(problem.status) \(problem.title)\r\nContent-Type: \(Problem.mediaType)\r\n"
            + "Content-Length: \(body.count)\r\nConnection: close\r\n\r\n"
        return Array(head.utf8) + body
    }

    /// `POST /v1/dial/{name}`: answered when the tunnel was dialed.
    func dial(_ tunnel: String, _ context: String?, _ call: HTTPCall) async throws(Problem) -> HTTPReply {
        let wanted = call.headers[canonicalForm: "upgrade"]
        guard call.connection != nil, wanted.contains(where: { $0.sameBytes(as: Self.streamProtocol) }) else {
            throw Problem(
                .badRequest,
                "this call needs the headers Connection: Upgrade and Upgrade: \(Self.streamProtocol)"
            )
        }
        guard !tunnel.isEmpty else { throw Problem(.badRequest, "the name of a tunnel is missing") }
        guard let client = try await daemon.dialer(context) else {
            guard let context else {
                throw Problem(.notFound, "there is no context for tunnels that name none; name one with ?context=")
            }
            throw Problem(.notFound, "there is no context \"\(context.cut(toBytes: 256))\"")
        }
        return HTTPReply(
            status: .switchingProtocols,
            type: "",
            content: .socket { [dials] socket in
                await dials.take(socket, dial: tunnel, client: client, answer: Self.answer)
            }
        )
    }
}
