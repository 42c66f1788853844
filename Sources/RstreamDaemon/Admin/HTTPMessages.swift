// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import RstreamAdmin
internal import RstreamModel
internal import RstreamRelay

/// A request that has arrived completely.
struct HTTPCall: Sendable {
    let method: String
    /// Path and query as they were sent.
    let target: String
    let headers: HTTPHeaders
    let body: [UInt8]
    let peer: Peer
    let rights: AdminRights
    /// The connection that it came by; nil where there is none.
    var connection: ClientConnection?
    /// Whether the connection stays open after the reply.
    var keepsAlive = true
    /// The places for those who read for as long as they like; nil where there is no limit.
    var readers: EventSlots?

    /// The reply that lasts until its reader leaves, if there is a place for another one.
    func stream(_ content: HTTPReply.Content) -> HTTPReply {
        guard readers?.take() != false else { return .tooManyReaders }
        return HTTPReply(status: .ok, type: HTTPConnection.eventStream, content: content)
    }
}

/// The reply to an ``HTTPCall``.
struct HTTPReply: Sendable {
    enum Content: Sendable {
        case bytes([UInt8])
        /// Events from this number on, until one side ends the stream. The reader has a place.
        case events(from: Int)
        /// Requests with their bodies as they end, until one side ends the stream or the inspection ends. The reader has a
        /// place.
        case requests(of: RequestLog)
        /// The connection is no longer HTTP: its socket, which this closes, is passed on.
        case socket(@Sendable (CInt) async -> Void)
    }

    var status: HTTPResponseStatus
    var type: String
    var content: Content
    var headers: [(name: String, value: String)] = []
    /// Whether the call was a dry run, which changes nothing.
    var isDryRun = false
    /// Called when the connection that gets the reply has ended. The connection may be idle for as long as it likes.
    var whenConnectionEnds: (@Sendable () -> Void)?

    static func json(_ value: some Encodable, status: HTTPResponseStatus = .ok) -> Self {
        guard let bytes = try? AdminJSON.encode(value) else {
            // No value of the API fails to encode.
            return .problem(Problem(.internalError, "cannot encode the reply"))
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

    /// The reply to a reader of events or requests beyond the limit.
    static var tooManyReaders: Self {
        var reply = problem(Problem(.busy, "too many readers of events and requests; try again"))
        reply.headers.append((name: "Retry-After", value: "1"))
        return reply
    }

    static let noContent = HTTPReply(status: .noContent, type: "", content: .bytes([]))
}

/// The process at the other end of a Unix socket, from the kernel, as it was when it connected (`SO_PEERCRED`,
/// `SO_PEERGROUPS`).
struct Peer: Hashable, Sendable {
    var process: Int32
    var user: UInt32
    var group: UInt32
    /// The supplementary groups of the process, which the user database may not know; empty on a kernel before 4.13, and
    /// for a process that is in more than 1,024, which is more than directory services give a user.
    var groups: Set<UInt32> = []

    /// As `struct ucred` of the kernel, which Swift's overlay of glibc omits.
    private struct Credentials: Sendable {
        var process: Int32
        var user: UInt32
        var group: UInt32
    }

    /// Nil for a channel that is no Unix socket.
    static func ofUnixSocket(_ channel: any Channel) async -> Peer? {
        guard let provider = channel as? any SocketOptionProvider else { return nil }
        let level = NIOBSDSocket.OptionLevel(rawValue: SOL_SOCKET)
        let credentials: EventLoopFuture<Credentials> = provider.unsafeGetSocketOption(
            level: level,
            name: NIOBSDSocket.Option(rawValue: SO_PEERCRED)
        )
        guard let found = try? await credentials.get() else { return nil }
        var peer = Peer(process: found.process, user: found.user, group: found.group)
        let list: EventLoopFuture<InlineArray<1_024, UInt32>> = provider.unsafeGetSocketOption(
            level: level,
            name: NIOBSDSocket.Option(rawValue: SO_PEERGROUPS)
        )
        guard let list = try? await list.get() else { return peer }
        // The rest of the list is zeros. So root's own group counts only as the first group of a process.
        for index in list.indices where list[index] != 0 { peer.groups.insert(list[index]) }
        return peer
    }

    func isMember(of group: UInt32) -> Bool { self.group == group || groups.contains(group) }

    /// Whether reserved slots are open to the peer: root, and the daemon's own user.
    var isTrusted: Bool { self != .unknown && Self.isTrusted(user: user) }

    static func isTrusted(user: UInt32) -> Bool { user == 0 || user == geteuid() }

    /// The group of this process, in which are those whom no configured group names.
    static var ownGroup: UInt32 { getegid() }

    /// The client of a TCP port.
    static let unknown = Peer(process: 0, user: .max, group: .max)
}

/// HTTP's format of times (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    static func text(_ time: UTCTime) -> String {
        // 2026-01-31T23:59:59.999Z
        let text = time.description.utf8
        func part(_ start: Int, _ length: Int) -> String {
            String(decoding: text.dropFirst(start).prefix(length), as: UTF8.self)
        }
        let milliseconds: Int64 = 86_400_000
        let (whole, rest) = time.milliseconds.quotientAndRemainder(dividingBy: milliseconds)
        // 1 January 1970 was a Thursday.
        let day = (rest < 0 ? whole - 1 : whole) % 7
        let weekday = days[Int(day < 0 ? day + 7 : day)]
        let month = months[((Int(part(5, 2)) ?? 1) - 1) % 12]
        return "\(weekday), \(part(8, 2)) \(month) \(part(0, 4)) \(part(11, 8)) GMT"
    }
}
