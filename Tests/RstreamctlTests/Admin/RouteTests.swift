// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamTestSupport
import Testing

@Suite("The calls of the admin API")
struct RouteTests {
    private static let names = [
        "web", "a/b", "..", "100%", "%2F", "two words", "grün", "名前", "a?b=c&d", "#", "+", "", "\u{0}", "e\u{301}",
    ]
    private static let named = names.flatMap { name -> [Route] in
        Route.TunnelChange.allCases.map { .changeTunnel(name, $0) }
            + [.reconnect(context: name), .tunnel(name), .streams(tunnel: name), .recentStreams(tunnel: name)]
            + [.canary(context: name), .cutStream(name), .closeTunnel(name), .tunnelFile(name)]
            + [.claimTunnel(name)]
            + [.requests(tunnel: name), .capture(tunnel: name)]
            + [.dial(name, context: nil), .dial(name, context: name)]
    }
    private static let plain: [Route] = [
        .status, .sessions, .tunnels, .streams(tunnel: nil), .reload, .events, .logLevel, .setLogLevel, .config, .live,
        .ready, .metrics, .openAPI, .openTunnel, .changeTunnels(.disable), .changeTunnels(.enable),
        .changeTunnels(.drain),
    ]

    @Test("what the client writes is what the daemon reads", arguments: plain + named)
    func roundTrip(route: Route) throws {
        #expect(try Route(method: route.method, target: route.path) == route)
        #expect(route.path.utf8.allSatisfy { (0x21...0x7E).contains($0) }, "\(route.path)")
    }

    @Test("HEAD is read as GET")
    func head() throws {
        #expect(try Route(method: "HEAD", target: "/v1/status") == .status)
    }

    @Test("a parameter is read with plus as a space, and the last one counts")
    func parameters() throws {
        #expect(try Route(method: "GET", target: "/v1/streams?tunnel=a&tunnel=b+c") == .streams(tunnel: "b c"))
        #expect(try Route(method: "GET", target: "/v1/streams?") == .streams(tunnel: nil))
        #expect(try Route(method: "GET", target: "/v1/status?") == .status)
    }

    @Test(
        "a parameter that a call does not take is 400, and is named with those it takes",
        arguments: [
            ("POST", "/v1/reload?dryRun=true", "dryRun", "no parameters"),
            ("GET", "/v1/status?tunnel=web", "tunnel", "no"),
            ("GET", "/v1/streams?x=1&tunnel=a", "x", "tunnel"),
            ("GET", "/metrics?name[]=up", "name[]", "no parameters"),
            ("GET", "/v1/streams?Tunnel=a", "Tunnel", "tunnel"), ("DELETE", "/v1/streams/1?force", "force", "no"),
        ]
    )
    func unknownParameter(method: String, target: String, name: String, known: String) {
        let problem = Self.problem(method, target)
        #expect(problem?.code == .badRequest)
        #expect(problem?.detail.contains("no parameter \(name) ") == true, "\(problem?.detail ?? "")")
        #expect(problem?.detail.contains("takes \(known)") == true, "\(problem?.detail ?? "")")
        // A path that is not there, and a method, are the greater mistakes.
        #expect(Self.problem(method, "/v1/nothing?x")?.code == .unknownPath)
    }

    @Test(
        "an unknown path is 404",
        arguments: [
            "/", "/v1", "/v1/", "/v2/status", "/v1/status/", "/v1/status/x", "/v1/tunnels/web/open",
            "/v1/tunnels/web/drain/x", "/v1/sessions/main", "/v1/health", "/v1/health/x", "/metrics/", "/v1/metrics",
            "//v1/status", "/V1/status", "/v1/streams/a/b",
        ]
    )
    func unknownPath(target: String) {
        #expect(Self.problem("GET", target)?.code == .unknownPath)
        #expect(Route.allowed(at: target) == nil)
    }

    @Test(
        "a method that a path does not take is 405, and the right ones are named",
        arguments: [
            ("POST", "/v1/status", "GET"), ("GET", "/v1/reload", "POST"), ("PUT", "/v1/tunnels/web", "GET, DELETE"),
            ("GET", "/v1/streams/1", "DELETE"), ("POST", "/v1/log", "GET, PUT"), ("get", "/v1/status", "GET"),
            ("PUT", "/v1/tunnels", "GET, POST"), ("GET", "/v1/dial/web", "POST"),
            ("GET", "/v1/tunnels/web/drain", "POST"), ("GET", "/v1/drain", "POST"), ("", "/metrics", "GET"),
        ]
    )
    func wrongMethod(method: String, target: String, allowed: String) {
        #expect(Self.problem(method, target)?.code == .methodNotAllowed)
        #expect(Route.allowed(at: target) == allowed)
    }

    @Test(
        "what is no percent-encoded UTF-8, or no path, is 400",
        arguments: [
            "/v1/tunnels/%", "/v1/tunnels/%4", "/v1/tunnels/%zz", "/v1/tunnels/%ff", "/v1/streams?tunnel=%ff", "*",
            "http://rstreamd/v1/status", "", "v1/status",
        ]
    )
    func malformed(target: String) {
        #expect(Self.problem("GET", target)?.code == .badRequest)
    }

    @Test("a name is at most 1,024 bytes long, decoded, and the target of a request is ASCII")
    func longNames() throws {
        for unit in ["x", "\u{301}", "\u{1F1E9}"] {
            let name = Growth.text(unit, 1_024)
            #expect(try Route(method: "GET", target: Route.tunnel(name).path) == .tunnel(name))
            for route in [
                Route.tunnel(name + "x"), .changeTunnel(name + "x", .drain), .reconnect(context: name + "x"),
                .streams(tunnel: name + "x"), .cutStream(name + "x"),
            ] {
                #expect(Self.problem(route.method, route.path)?.code == .badRequest)
            }
        }
        for target in ["/v1/tunnels/gr\u{FC}n", "/\u{301}v1/status", "/v1/status\u{0}", "/v1/status?\u{1B}", "/v1/a b"]
        {
            #expect(Self.problem("GET", target)?.code == .badRequest)
        }
    }

    @Test(
        "no target costs more than its length",
        arguments: Growth.units + ["/", "%", "%41", "%CC%81", "?", "&", "=", "a=b&"]
    )
    func growth(unit: String) {
        for head in ["", "/", "/v1/tunnels/", "/v1/streams?", "/v1/streams?tunnel=", "/v1/streams?tunnel=a&"] {
            Growth.expectLinear("after \(head)") {
                head + Growth.text(unit, $0)
            } _: {
                _ = Self.problem("GET", $0)
            }
        }
    }

    @Test("only what changes something is logged as a change", arguments: plain + named)
    func changes(route: Route) {
        let changes =
            switch route {
            case .reconnect, .canary, .changeTunnel, .changeTunnels, .openTunnel, .closeTunnel, .claimTunnel, .capture,
                .dial, .cutStream, .reload, .upgrade, .setLogLevel:
                true
            case .status, .sessions, .tunnels, .tunnel, .tunnelFile, .requests, .streams, .recentStreams, .events,
                .logLevel, .config, .live, .ready, .metrics, .openAPI:
                false
            }
        #expect(route.changesSomething == changes)
    }

    private static func problem(_ method: String, _ target: String) -> Problem? {
        do throws(Problem) {
            _ = try Route(method: method, target: target)
            return nil
        } catch {
            return error
        }
    }
}
