// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import Testing

@Suite("the way to an address")
struct EngineRouteTests {
    private func route(_ proxy: Proxy?, to address: String = "engine.example:443") throws -> String {
        switch try EngineRoute(to: try EngineAddress(address), by: proxy) {
        case .direct: "direct"
        case .proxy(let hop): "\(hop)"
        }
    }

    private func environment(_ proxy: String?, except: String = "") throws -> Proxy {
        let url = try proxy.map { try ProxyURL($0) }
        return Proxy(route: .environment(ProxyEnvironment(proxy: url, exceptions: ProxyException.list(except))))
    }

    @Test("is straight without a proxy, and through a configured one always")
    func configured() throws {
        let at = try EngineAddress("proxy.example:3128")
        #expect(try route(nil) == "direct")
        #expect(try route(Proxy(route: .http(at))) == "HTTP proxy proxy.example:3128")
        #expect(try route(Proxy(route: .https(at))) == "HTTP proxy proxy.example:3128")
        #expect(try route(Proxy(route: .socks5(at))) == "SOCKS5 proxy proxy.example:3128")
    }

    @Test("follows the environment, whose exceptions are judged for each address")
    func environment() throws {
        #expect(try route(environment(nil)) == "direct")
        #expect(try route(environment("http://p")) == "HTTP proxy p:80")
        #expect(try route(environment("socks5h://p")) == "SOCKS5 proxy p:1080")
        #expect(try route(environment("http://p", except: "*")) == "direct")
        #expect(try route(environment("http://p", except: ".example:443")) == "direct")
        #expect(try route(environment("http://p", except: ".example"), to: "redirect.other:443") == "HTTP proxy p:80")
    }

    @Test("credentials of their own come before those in the environment's URL")
    func credentials() throws {
        var proxy = try environment("http://a:b@p")
        #expect(try request(proxy).contains("Basic YTpi\r\n"))
        proxy.credentials = Proxy.Credentials(username: "c", password: Secret("d"))
        #expect(try request(proxy).contains("Basic Yzpk\r\n"))
    }

    @Test(
        "a header that would be more than a header is refused before anything is dialed",
        arguments: [
            ("X", "a\r\nY: b"), ("X", "a\nb"), ("X", "\0"), ("X\r\nY", "a"), ("X:", "a"), ("", "a"), ("X y", "a"),
            ("Host", "a"), ("content-length", "1"), ("Transfer-Encoding", "chunked"),
        ]
    )
    func headers(name: String, value: String) throws {
        let proxy = Proxy(route: .http(try EngineAddress("p:1")), headers: [name: value])
        let error = #expect(throws: RstreamError.self) { try route(proxy) }
        #expect(error?.code == .invalidConfig)
        #expect(error?.retry == .afterReload)
        let socks = Proxy(route: .socks5(try EngineAddress("p:1")), headers: [name: value])
        #expect(try route(socks) == "SOCKS5 proxy p:1")
    }

    @Test("an authorization of another kind may stand in the headers, unless there are credentials")
    func authorization() throws {
        var proxy = Proxy(route: .http(try EngineAddress("p:1")), headers: ["Proxy-Authorization": "Bearer x"])
        #expect(try request(proxy).contains("Proxy-Authorization: Bearer x\r\n"))
        proxy.credentials = Proxy.Credentials(username: "u", password: Secret("p"))
        #expect(throws: RstreamError.self) { try route(proxy) }
    }

    @Test("credentials that are too long for the protocol are refused, without being shown")
    func unfit() throws {
        let at = try EngineAddress("p:1")
        let long = String(repeating: "s", count: 256)
        for (route, user, password) in [
            (Proxy.Route.socks5(at), "", "p"), (.socks5(at), long, "p"),
            (.socks5(at), "u", long), (.http(at), "u:v", "p"),
        ] {
            let credentials = Proxy.Credentials(username: user, password: Secret(password))
            let error = #expect(throws: RstreamError.self) {
                try EngineRoute(to: try EngineAddress("e"), by: Proxy(route: route, credentials: credentials))
            }
            #expect(error?.description.contains(long) == false)
        }
    }

    private func request(_ proxy: Proxy) throws -> String {
        let engine = try EngineAddress("engine.example")
        guard case .proxy(let hop) = try EngineRoute(to: engine, by: proxy) else { return "" }
        var machine = hop.machine(to: engine)
        guard case .send(let bytes) = machine.connected() else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }
}
