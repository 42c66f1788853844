// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel
import Testing

@Suite("a forward target")
struct UpstreamAddressTests {
    private static let longPath = "/" + String(repeating: "a", count: 106)

    @Test(
        "these are targets",
        arguments: [
            ("8080", .tcp(host: "localhost", service: "8080")),
            (" 8080 ", .tcp(host: "localhost", service: "8080")),
            ("http", .tcp(host: "localhost", service: "http")),
            ("127.0.0.1:8080", .tcp(host: "127.0.0.1", service: "8080")),
            ("db:postgresql", .tcp(host: "db", service: "postgresql")),
            (" db : 5432 ", .tcp(host: "db", service: "5432")),
            // Only the first colon splits, as the official tool does; dialing such a service fails.
            ("a:b:c", .tcp(host: "a", service: "b:c")),
            ("web.1:80", .tcp(host: "web.1", service: "80")),
            ("[::1]:8080", .tcp(host: "::1", service: "8080")),
            ("[fe80::1%eth0]:8080", .tcp(host: "fe80::1%eth0", service: "8080")),
            ("my_service:8080", .tcp(host: "my_service", service: "8080")),
            ("[2001:db8::1]: http ", .tcp(host: "2001:db8::1", service: "http")),
            ("unix:/run/app.sock", .unix(path: "/run/app.sock")),
            ("unix:/a b:c", .unix(path: "/a b:c")),
            ("unix:@app", .abstract(name: "app")),
            ("unix:\(longPath)", .unix(path: longPath)),
        ] as [(String, UpstreamAddress)]
    )
    func valid(text: String, address: UpstreamAddress) throws {
        #expect(try UpstreamAddress(text) == address)
        #expect(try UpstreamAddress(address.description) == address)
    }

    @Test(
        "these are not",
        arguments: [
            ":8080", "host:", " : ", "a: ", ": a", "[::1]", "[::1]8080", "[::1]:", "[::1]: ", "[::1", "[host]:80",
            "[127.0.0.1]:80", "[]:80", "[fe80::1%]:80", "[fe80::1%a/b]:80", "[fe80::1%a b]:80", "[%eth0]:80",
            "[127.0.0.1%eth0]:80", "[fe80::1%0123456789abcdef]:80", "[fe80::1%a%]b:80", "unix:", "unix:@",
            "unix:app.sock", "unix:./app.sock", "unix: /a",
            "unix:\(longPath)a", "unix:/a\0b", "unix:@a\0b",
        ]
    )
    func invalid(text: String) {
        let error = #expect(throws: UpstreamAddress.Malformed.self) { try UpstreamAddress(text) }
        #expect(error?.description.hasPrefix("invalid forward target \"") == true)
    }

    @Test("an address with a slip in it is called so", arguments: ["192.168.1.300", "1.2.3", "8080"])
    func mistakenAddress(host: String) {
        let error = #expect(throws: UpstreamAddress.Malformed.mistakenAddress(host)) {
            try UpstreamAddress("\(host):80")
        }
        #expect(
            error?.description
                == "forward target has \"\(host)\" for a host, which looks like an IPv4 address but is not one"
        )
    }

    @Test("nothing is its own complaint", arguments: ["", "  ", "\n\t"])
    func blank(text: String) {
        #expect(throws: UpstreamAddress.Malformed.blank) { try UpstreamAddress(text) }
        #expect(UpstreamAddress.Malformed.blank.description == "forward target is empty")
    }

    @Test("it prints in the form that a tunnel file takes")
    func description() {
        #expect(UpstreamAddress.tcp(host: "localhost", service: "80").description == "localhost:80")
        #expect(UpstreamAddress.tcp(host: "::1", service: "80").description == "[::1]:80")
        #expect(UpstreamAddress.unix(path: "/a").description == "unix:/a")
        #expect(UpstreamAddress.abstract(name: "a").description == "unix:@a")
    }
}
