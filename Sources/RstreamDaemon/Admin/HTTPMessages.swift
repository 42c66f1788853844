internal import NIOCore
internal import NIOHTTP1
internal import RstreamAdmin

/// One request that has arrived whole.
struct HTTPCall: Sendable {
    let method: String
    /// Path and query as they were sent.
    let target: String
    let headers: HTTPHeaders
    let body: [UInt8]
    let peer: Peer
}

/// What it is answered with.
struct HTTPReply: Sendable {
    enum Content: Sendable {
        case bytes([UInt8])
        /// Events from this number on, until one side ends the stream.
        case events(from: Int)
    }

    var status: HTTPResponseStatus
    var type: String
    var content: Content
    var headers: [(name: String, value: String)] = []
    /// Whether the call would have changed something and has not.
    var isRehearsal = false

    static func json(_ value: some Encodable, status: HTTPResponseStatus = .ok) -> Self {
        guard let bytes = try? AdminJSON.encode(value) else {
            // Every value of the API can be encoded.
            return .problem(Problem(.internalError, "the answer could not be written"))
        }
        return HTTPReply(status: status, type: "application/json", content: .bytes(bytes))
    }

    static func problem(_ problem: Problem) -> Self {
        HTTPReply(
            status: HTTPResponseStatus(statusCode: problem.status),
            type: Problem.mediaType,
            content: .bytes((try? AdminJSON.encode(problem)) ?? [])
        )
    }

    /// What another reader of events is answered with. What it asked for can be had by calls meanwhile.
    static var tooManyReaders: Self {
        var reply = problem(Problem(.busy, "as many readers of events as may be are connected; try again"))
        reply.headers.append((name: "Retry-After", value: "1"))
        return reply
    }

    static let noContent = HTTPReply(status: .noContent, type: "", content: .bytes([]))
}
