// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamTestSupport
import Testing

extension Integration {
    /// The page for browsers, asked as curl asks. `Tests/Page/screenshot` looks at it with Chromium.
    @Suite struct PageTests {
        private static let hostile = "<img src=x onerror=alert(1)>"
        private static let tunnels = """
              - { name: "\(hostile)", forward: "127.0.0.1:9", tunnel: { protocol: tcp } }
              - { name: raw, forward: "127.0.0.1:9", tunnel: { protocol: tcp } }
            """
        private static let settings =
            Pair.quick + "\npage: { listen: \"127.0.0.1:0\", hosts: [tunnels.example] }"

        /// The status, the headers in lower case, and the body of an answer.
        private struct Answer {
            var status = ""
            var headers: [String] = []
            var body = ""

            /// `lines` as curl shows them, which end with the carriage returns that the daemon has sent.
            init(_ lines: [String]) {
                let lines = lines.map { $0.hasSuffix("\r") ? String($0.dropLast()) : $0 }
                let head = lines.prefix { !$0.isEmpty }
                status = head.first?.split(separator: " ").dropFirst().first.map { String($0) } ?? ""
                headers = head.dropFirst().map { $0.lowercased() }
                body = lines.dropFirst(head.count + 1).joined(separator: "\n")
            }
        }

        private static func curl(_ arguments: String...) async throws -> Answer { try await curl(arguments) }

        private static func curl(_ arguments: [String]) async throws -> Answer {
            let run = try await ProcessHandle.run("/usr/bin/curl", ["-sS", "-i", "-m", "30"] + arguments)
            #expect(run.exit == .status(0), "\(arguments): \(run.errors)")
            return Answer(run.output)
        }

        private static func withPage(_ body: (Pair, String) async throws -> Void) async throws {
            try await Pair.with(tunnels: tunnels, settings: settings) { pair in
                let opened = try await pair.daemon.logged("page open")
                _ = try await pair.rawPort()
                try await body(pair, "http://\(try #require(opened.facts["address"]))")
            }
        }

        @Test("is the same on the admin socket and at page.listen, and complete without a script")
        func documents() async throws {
            try await Self.withPage { pair, url in
                let socket = ["--unix-socket", "\(pair.folder.path)/run/admin.sock"]
                for (place, more) in [(url, []), ("http://localhost", socket)] {
                    func ask(_ path: String) async throws -> Answer {
                        try await Self.curl(more + [place + path])
                    }
                    let page = try await ask("/")
                    #expect(page.status == "200")
                    #expect(page.body.contains("<h1>rstreamd") && page.body.contains("</html>"))
                    #expect(page.body.contains("data-key=\"raw\""), "the tunnels are there")
                    #expect(page.body.contains("&lt;img src=x onerror=alert(1)&gt;") && !page.body.contains("<img"))
                    let configuration = try await ask("/config")
                    #expect(configuration.body.contains("&quot;hosts&quot;"))
                    let requests = try await ask("/requests")
                    #expect(requests.body.contains("No tunnel has inspect: true."))
                    for answer in [page, configuration, requests] {
                        #expect(!answer.body.contains(ProcessEngine.token), "no secret")
                        let policy = answer.headers.first { $0.hasPrefix("content-security-policy:") } ?? ""
                        for rule in ["default-src 'none'", "frame-ancestors 'none'", "connect-src 'self'"] {
                            #expect(policy.contains(rule))
                        }
                        #expect(answer.headers.contains("cache-control: no-store"))
                        #expect(answer.headers.contains("x-content-type-options: nosniff"))
                    }
                    var links: Set<String> = []
                    let bodies = page.body + configuration.body + requests.body
                    for match in bodies.matches(of: #/(?:href|src)="([^"]*)"/#) {
                        links.insert(String(match.output.1))
                    }
                    #expect(links == ["page.css", "page.js", "config", "requests", "./"], "every link is local")
                    for link in ["page.css", "page.js"] {
                        let file = try await ask("/\(link)")
                        #expect(file.status == "200" && file.body.count > 1_000, "\(link)")
                    }
                }
            }
        }

        @Test("answers to its own names and to no page of another site, and changes nothing")
        func refusals() async throws {
            try await Self.withPage { pair, url in
                for host in ["evil.example", "evil.example:80", "localhost.evil.example"] {
                    #expect(try await Self.curl("-H", "Host: \(host)", url).status == "403", "\(host)")
                }
                for host in ["localhost", "127.0.0.1:1", "tunnels.example"] {
                    #expect(try await Self.curl("-H", "Host: \(host)", url).status == "200", "\(host)")
                }
                #expect(try await Self.curl("-H", "Origin: http://evil.example", url).status == "403")
                #expect(try await Self.curl("-H", "Sec-Fetch-Site: same-site", url).status == "403")
                for (method, path) in [
                    ("POST", "/v1/reload"), ("POST", "/v1/upgrade"), ("POST", "/v1/tunnels/raw/disable"),
                    ("DELETE", "/v1/streams/1"), ("PUT", "/v1/log"), ("POST", "/"), ("POST", "/v1/tunnels"),
                ] {
                    #expect(try await Self.curl("-X", method, url + path).status == "405", "\(method) \(path)")
                }
                for path in ["/metrics", "/v1/log", "/v1/openapi.json", "/v1/tunnels/raw/file"] {
                    #expect(try await Self.curl(url + path).status == "404", "\(path)")
                }
                let socket = "\(pair.folder.path)/run/admin.sock"
                let page = ["-X", "POST", "-H", "Origin: http://localhost"]
                let forwarded = try await Self.curl(["--unix-socket", socket] + page + ["http://localhost/v1/reload"])
                #expect(forwarded.status == "403", "through a port that is forwarded to the admin socket")
                #expect(pair.daemon.log.allSatisfy { $0.message != "admin request" })
            }
        }
    }
}
