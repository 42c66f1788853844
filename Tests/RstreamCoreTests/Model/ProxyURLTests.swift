// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

@Suite("a proxy is written as a URL")
struct ProxyURLTests {
    @Test(
        "these are proxies",
        arguments: [
            ("http://proxy.example", .http, "proxy.example:80"),
            ("https://proxy.example", .https, "proxy.example:443"),
            ("socks5://proxy.example", .socks5, "proxy.example:1080"),
            ("socks5h://proxy.example:9050", .socks5h, "proxy.example:9050"),
            ("proxy.example:3128", .http, "proxy.example:3128"),
            (" HTTP://Proxy.Example:3128/ ", .http, "proxy.example:3128"),
            ("http://[::1]:3128", .http, "[::1]:3128"),
        ] as [(String, ProxyURL.Scheme, String)]
    )
    func valid(text: String, scheme: ProxyURL.Scheme, address: String) throws {
        let url = try ProxyURL(text)
        #expect(url.scheme == scheme)
        #expect(url.address.description == address)
        #expect(url.credentials == nil)
    }

    @Test(
        "credentials stand before the last @, with %-escapes undone",
        arguments: [
            ("http://u:p@h", "u", "p"), ("http://u@h", "u", ""), ("http://:p@h", "", "p"), ("u:p@h:1", "u", "p"),
            ("http://u%40x:p%3A%2f@h", "u@x", "p:/"), ("http://u:p:q@h", "u", "p:q"), ("http://u:p@q@h", "u", "p@q"),
            ("u:a://b@h", "u", "a://b"), ("http://%C3%BC:p@h", "ü", "p"),
        ]
    )
    func credentials(text: String, username: String, password: String) throws {
        let url = try ProxyURL(text)
        #expect(url.credentials == Proxy.Credentials(username: username, password: Secret(password)))
        #expect(url.address.host == "h")
    }

    @Test("an @ with nothing before it has no user")
    func noCredentials() throws {
        #expect(try ProxyURL("http://@h").credentials == nil)
        #expect(try ProxyURL("http://:@h").credentials == nil)
    }

    @Test(
        "these are not, and the reason holds nothing of the credentials",
        arguments: [
            ("", .address(.blank)), ("http://", .address(.blank)), ("ftp://h", .scheme("ftp")),
            ("socks4://u:secret@h", .scheme("socks4")), ("http://h/path", .path), ("http://h?x", .path),
            ("http://h:99999", .address(.port("99999"))), ("http://u:secret@h:x", .address(.port("x"))),
            ("http://u:secret%@h", .escape), ("http://u:secret%+5@h", .escape), ("http://u:secret%g0@h", .escape),
            ("http://u:secret%ff@h", .escape),
        ] as [(String, ProxyURL.Malformed)]
    )
    func invalid(text: String, reason: ProxyURL.Malformed) {
        #expect(throws: reason) { try ProxyURL(text) }
        #expect(!reason.description.contains("secret"))
    }

    @Test("a route says what is spoken", arguments: ProxyURL.Scheme.allCases)
    func route(scheme: ProxyURL.Scheme) throws {
        let url = try ProxyURL("\(scheme.rawValue)://h:1")
        let expected: Proxy.Route =
            switch scheme {
            case .http: .http(url.address)
            case .https: .https(url.address)
            case .socks5, .socks5h: .socks5(url.address)
            }
        #expect(url.route == expected)
    }

    @Test("a password prints as ***")
    func secret() throws {
        #expect(!"\(try ProxyURL("http://u:secret@h"))".contains("secret"))
    }
}

@Suite("NO_PROXY names what is dialed directly")
struct ProxyExceptionTests {
    @Test(
        "an entry covers what it names and nothing else",
        arguments: [
            ("*", "a.example:443", true), ("*:443", "a.example:443", true), ("*:80", "a.example:443", false),
            ("a.example", "a.example:443", true), ("A.Example", "a.example:443", true),
            ("a.example", "b.a.example:443", false),
            ("a.example.", "a.example:443", true), ("my_host", "myahost:443", false),
            ("*.example", "a.example:443", true), ("*.example", "b.a.example:443", true),
            ("*.example", "example:443", false), ("*.example:443", "a.example:443", true),
            ("*.ample", "a.example:443", false), ("192.0.2.0/24", "192.0.2.255:443", true),
            ("192.0.2.0/24", "192.0.3.1:443", false), ("192.0.2.0/24", "a.example:443", false),
            ("0.0.0.0/0", "192.0.2.1:1", true), ("2001:db8::/32", "[2001:db8:1::1]:443", true),
            ("2001:db8::/32", "[2001:db9::1]:443", false), ("a.example:443", "a.example:443", true),
            ("a.example:444", "a.example:443", false), (".example", "a.example:443", true),
            (".example", "b.a.example:443", true), (".example", "example:443", false),
            (".example:443", "a.example:443", true), (".ample", "a.example:443", false),
            ("192.0.2.1", "192.0.2.1:443", true), ("[2001:db8::1]", "[2001:db8::1]:443", true),
            ("2001:DB8:0::1", "[2001:db8::1]:443", true), ("[2001:db8::1]:443", "[2001:db8::1]:443", true),
            ("[2001:db8::1]:1", "[2001:db8::1]:443", false),
        ]
    )
    func covers(entry: String, address: String, expected: Bool) throws {
        let exception = try #require(ProxyException(entry))
        #expect(exception.covers(try EngineAddress(address)) == expected)
    }

    @Test("a list is separated by commas or blanks")
    func list() {
        #expect(ProxyException.list(" a.example , ,.b.example:1,").count == 2)
        #expect(ProxyException.list("").isEmpty)
        #expect(ProxyException(" ") == nil)
        #expect(ProxyException(":443") == nil)
        #expect(ProxyException.list("a.example b.example\tc.example\n10.0.0.0/8").count == 4)
    }

    @Test(
        "what names nothing is no entry, and is known as such",
        arguments: [
            "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "10.0.0.0/8:443", "2001:db8::/129", "http://a.example",
            "a*.example",
            "*a.example", "a..example", "..example", "*.", "a.example:0", "a.example:65536", "a.example:+443",
            "192.168.1.300", "[::1", "<local>",
        ]
    )
    func unreadable(entry: String) {
        #expect(ProxyException(entry) == nil)
        #expect(ProxyException.unreadable("a.example, \(entry) *") == [entry])
        #expect(ProxyException.list("a.example, \(entry) *").count == 2)
    }
}
