// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOHTTP1
import NIOPosix
import Rstream
import RstreamAdmin
import RstreamConfig
import RstreamRelay
import RstreamTestSupport
import Systemd
import Testing

@testable import RstreamDaemon

@Suite("Who may do what on the admin socket")
struct AdminAccessTests {
    private static let (group, readGroup): (UInt32, UInt32) = (4_001, 4_002)

    private static func access(mode: UInt32 = 0o660, readGroup: UInt32? = readGroup) -> AdminAccess {
        AdminAccess(AdminSettings(mode: mode, readGroup: "readers"), group: group, readGroup: readGroup)
    }

    private static func peer(_ group: UInt32, _ groups: Set<UInt32> = [], user: UInt32 = 54_321) -> Peer {
        Peer(process: 1, user: user, group: group, groups: groups)
    }

    /// A client, and its rights where the socket has mode 0660.
    private static let peers: [(Peer, AdminRights)] = [
        (peer(1, user: 0), .owner), (peer(1, user: geteuid()), .owner), (peer(group), .change),
        (peer(1, [7, group]), .change), (peer(readGroup), .read), (peer(1, [7, readGroup]), .read),
        (peer(readGroup, [group]), .change), (peer(1), .none), (peer(1, [7]), .none), (.unknown, .none),
    ]

    @Test("is decided by the first and the supplementary groups of a client with admin.readGroup", arguments: peers)
    func checked(peer: Peer, rights: AdminRights) {
        #expect(Self.access().rights(of: peer, onSocketOpenToAll: true) == rights)
    }

    @Test(
        "is what the socket's file permits without admin.readGroup, or where no group has that name",
        arguments: peers
    )
    func unchecked(peer: Peer, _: AdminRights) {
        let access = Self.access(readGroup: nil)
        #expect(access.isReadGroupUnknown && !access.isChecked && access.socketMode == 0o660)
        let rights = access.rights(of: peer, onSocketOpenToAll: false)
        #expect(rights == (peer.isTrusted ? .owner : .change))
    }

    @Test("stays checked on a socket that every user can connect to, also without admin.readGroup", arguments: peers)
    func openToAll(peer: Peer, rights: AdminRights) {
        let expected: AdminRights = rights == .read ? .none : rights
        #expect(Self.access(readGroup: nil).rights(of: peer, onSocketOpenToAll: true) == expected)
    }

    @Test("opens the file to all where the daemon decides, and follows admin.mode about the other group")
    func modes() {
        #expect(Self.access().socketMode == 0o666)
        let (member, stranger) = (Self.peer(Self.group), Self.peer(1))
        #expect(Self.access(mode: 0o600).rights(of: member, onSocketOpenToAll: true) == .none)
        #expect(Self.access(mode: 0o666).rights(of: stranger, onSocketOpenToAll: true) == .change)
    }

    @Test("says to a client what it may not do and who can help")
    func refusals() {
        let access = Self.access()
        for mayRead in [false, true] {
            let text = access.refusal(of: Self.peer(1), mayRead: mayRead)
            #expect(text.contains("user 54321") && text.contains("admin.readGroup"))
            #expect(text.hasSuffix("use sudo, or join the group rstream"))
        }
        let root = AdminAccess(AdminSettings(readGroup: "readers"), group: 0, readGroup: Self.readGroup)
        for access in [Self.access(mode: 0o600), root] {
            #expect(access.refusal(of: Self.peer(1), mayRead: false).hasSuffix("; use sudo"))
        }
        let unknown = AdminAccess(AdminSettings(group: "no-such-group", readGroup: "no-such-group"))
        #expect(unknown.refusal(of: Self.peer(1), mayRead: false).hasSuffix("; use sudo"))
    }

    /// A daemon that does nothing.
    private struct IdleDaemon: DaemonControl {
        func reload(dryRun _: Bool) async throws(Problem) -> ReloadOutcome { .unchanged([]) }
        func change(_: TunnelChangeOrder) async throws(Problem) -> [StreamOutlook] { [] }
        func reconnect(_: String) async throws(Problem) -> Int { 1 }
        func tryCanary(_: String) async throws(Problem) -> [CanaryReport] {
            [CanaryReport(session: "1", context: "main", outcome: .offline)]
        }
        func configuration() async throws(Problem) -> ConfigurationDocument {
            ConfigurationDocument(DaemonConfiguration())
        }
        func open(_: TunnelRequest) async throws(Problem) -> TunnelOpening { .refused([]) }
        func close(_: String) async throws(Problem) -> TunnelClosing { .unknown }
        func claim(_: TunnelClaim) async throws(Problem) -> TunnelClaiming { .unknown }
        func tunnelFile(_: String) async throws(Problem) -> String? { nil }
        func dialer(_: String?) async throws(Problem) -> RstreamClient? { nil }
        func connectionEnded(_: ClientConnection) {}
        func upgrade() async throws(Problem) -> UpgradeReply { throw Problem(.busy, "an upgrade is under way") }
        var stalls: [String] { [] }
    }

    private static let router: AdminRouter = {
        let store = StatusStore(notifier: ServiceNotifier())
        let streams = StreamTable(capacity: 1)
        return AdminRouter(
            statusStore: store,
            streams: streams,
            dials: DirectDials(
                table: streams,
                group: MultiThreadedEventLoopGroup.singleton,
                logger: LogCapture().logger
            ),
            metrics: MetricsPage(statusStore: store, sink: nil),
            level: LogLevelSwitch(.info),
            daemon: IdleDaemon(),
            rules: AdminAccessRules(),
            logger: LogCapture().logger
        )
    }()

    private static func answer(_ route: Route, _ rights: AdminRights, port: AdminPort? = nil) async -> HTTPReply {
        await answer(route.method, route.path, rights, port: port)
    }

    private static func answer(
        _ method: String,
        _ target: String,
        _ rights: AdminRights,
        port: AdminPort? = nil
    ) async -> HTTPReply {
        let call = HTTPCall(
            method: method,
            target: target,
            headers: [:],
            body: [],
            peer: peer(1),
            rights: rights
        )
        return if let port { await port.answer(router)(call) } else { await router.answer(call) }
    }

    private static let reading: [Route] = [
        .status, .sessions, .tunnels, .streams(tunnel: nil), .recentStreams(tunnel: nil), .events, .logLevel, .config,
        .live, .ready, .metrics, .openAPI,
    ]
    private static let changing: [Route] = [
        .reload, .reconnect(context: "main"), .canary(context: "main"), .cutStream("1"), .setLogLevel,
        .changeTunnel("web", .disable),
        .changeTunnels(.drain), .openTunnel, .closeTunnel("web"), .claimTunnel("web"), .dial("db", context: nil),
        .capture(tunnel: "web"), .upgrade,
    ]

    @Test("permits readers what changes nothing, and others without rights not even that", arguments: reading)
    func reads(route: Route) async {
        #expect(await Self.answer(route, .read).status == .ok)
        #expect(await Self.answer(route, .none).status == .forbidden)
    }

    @Test("refuses readers what changes something, also with a mistake in it", arguments: changing)
    func changes(route: Route) async {
        #expect(await Self.answer(route, .read).status == .forbidden)
        #expect(await Self.answer(route, .none).status == .forbidden)
        #expect(await Self.answer(route, .change).status != .forbidden)
    }

    @Test("the metrics port answers about health to every client, and nothing else")
    func port() async {
        for route in Self.reading {
            let isServed = [.metrics, .live, .ready].contains(route)
            let reply = await Self.answer(route, .change, port: .metrics)
            #expect(reply.status == (isServed ? .ok : .notFound), "\(route)")
        }
    }

    @Test("the page's listener answers what the page shows, and changes nothing even for a client with every right")
    func page() async {
        for route in Self.reading {
            let isServed = ![.logLevel, .metrics, .openAPI].contains(route)
            let reply = await Self.answer(route, .owner, port: .page)
            #expect(reply.status == (isServed ? .ok : .notFound), "\(route)")
        }
        for route in Self.changing {
            let reply = await Self.answer(route, .owner, port: .page)
            #expect(reply.status == .methodNotAllowed, "\(route)")
            #expect(reply.headers.contains { $0.name == "Allow" && $0.value == "GET" })
            let asked = await Self.answer("GET", route.path, .owner, port: .page)
            #expect([.notFound, .methodNotAllowed, .ok].contains(asked.status), "\(route)")
        }
        for path in ["/v1/tunnels/web/file", "/v1/tunnels/web/requests"] {
            let reply = await Self.answer("GET", path, .owner, port: .page)
            #expect(reply.status == .notFound)
            #expect(reply.headers.contains { $0.name == "X-Content-Type-Options" })
        }
    }

    @Test("the documents of the page are served to readers, with the headers that keep a browser from everything else")
    func documents() async throws {
        for document in PageDocument.allCases {
            for port in [nil, AdminPort.page] {
                let reply = await Self.answer("GET", document.path, .read, port: port)
                #expect(reply.status == .ok && reply.type == document.mediaType, "\(document)")
                let headers = Dictionary(reply.headers.map { ($0.name, $0.value) }) { first, _ in first }
                #expect(headers.count == reply.headers.count, "no header twice")
                let policy = try #require(headers["Content-Security-Policy"])
                for rule in [
                    "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
                    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
                ] {
                    #expect(policy.split(separator: "; ").contains { $0 == rule }, "\(rule)")
                }
                #expect(!policy.contains("unsafe"))
                #expect(headers["X-Content-Type-Options"] == "nosniff")
                #expect(headers["Referrer-Policy"] == "no-referrer")
            }
            let refused = await Self.answer("POST", document.path, .owner)
            #expect(refused.status == .methodNotAllowed)
            #expect(refused.headers.contains { $0.name == "Allow" && $0.value == "GET" })
            #expect(await Self.answer("GET", document.path, .none).status == .forbidden)
            #expect(await Self.answer("GET", document.path, .owner, port: .metrics).status == .notFound)
        }
        let status = await Self.answer(.status, .read, port: .page)
        #expect(status.headers.contains { $0.name == "X-Content-Type-Options" })
    }
}
