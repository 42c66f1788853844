// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import RstreamTestSupport
import Testing

extension Integration {
    /// What programs that everybody uses make of the engine's HTTP edge, as visitors, as services and in between.
    @Suite(.timeLimit(.hang)) struct VisitorTests {
        /// What curl may speak.
        enum Version: String, CaseIterable {
            case http10 = "1.0"
            case http11 = "1.1"
            case http2 = "2"

            var option: String { self == .http2 ? "--http2" : "--http\(rawValue)" }
            /// What the edge answers in.
            var answered: String { self == .http10 ? "1.1" : rawValue }
        }

        // MARK: curl

        private typealias Web = VisitorSite.Place

        @Test(
            "curl gets every kind of answer as the service gave it, with what comes before and behind it",
            arguments: Version.allCases
        )
        func answers(in version: Version) async throws {
            let none = ["-o", "/dev/null"]
            // Behind the body: the status, how long it was, and how long the service said that it would be.
            let kinds: [(options: [String], path: String, body: String, facts: String)] = [
                ([], "/hello", "hello", "200 5 5"),
                (["--request", "PUT"], "/hello", "hello", "200 5 5"),
                (["--head"] + none, "/numbers", "", "200 0 262144"),
                ([], "/empty", "", "204 0 "),
                ([], "/unchanged", "", "304 0 5"),
                ([], "/gone", "no such thing", "404 13 13"),
                (["--range", "8-14"], "/numbers", "0000001", "206 7 7"),
                (["--compressed"], "/gzip", "unpacked", "200 28 28"),
                (none, "/numbers", "", "200 262144 262144"),
                (none, "/chunks", "", "200 655360 "),
                (none, "/boundless", "", "200 262144 "),
                (none, "/old", "", "200 262144 "),
                ([], "/parting", "hello", "200 5 5"),
                ([], "/trailers", "hello", "200 5 "),
                ([], "/hints", "hello", "200 5 5"),
                (["-H", "Connection: Upgrade", "-H", "Upgrade: websocket"], "/hello", "hello", "200 5 5"),
            ]
            try await VisitorSite.with { pair in
                let format = "\n%{http_version} %{response_code} %{size_download} %header{content-length}"
                let curl = Curl(engine: pair.engine)
                for kind in kinds {
                    let request = Web.web.request(kind.path, ["-w", format, version.option] + kind.options)
                    let answer = try await curl.visit([request])
                    #expect(answer.exit == .status(0), "\(kind.path): \(answer.errors)")
                    #expect(answer.output == "\(kind.body)\n\(version.answered) \(kind.facts)", "\(kind.path)")
                }
                // What comes before an answer and behind it, neither of which HTTP/1.0 has.
                for (path, words) in [("/hints", "link: </style.css>; rel=preload"), ("/trailers", "x-sum: 5")] {
                    let answer = try await curl.visit([Web.web.request(path, ["--include", version.option])])
                    let isTold = answer.output.lowercased().contains(words)
                    #expect(isTold == (version != .http10), "\(answer.output)")
                }
                let broken = try await curl.visit([Web.web.request("/broken", [version.option])])
                #expect(broken.exit != .status(0), "\(broken.output)")
            }
        }

        @Test(
            "what curl sends arrives whole, and what is refused before it came is answered",
            arguments: Version.allCases
        )
        func uploads(in version: Version) async throws {
            try await VisitorSite.with { pair in
                let (body, answer) = (pair.folder.path + "/body", pair.folder.path + "/answer")
                let content = Content(seed: 50, count: 1_000_003)
                try content.write(to: body)
                let waiting = ["--expect100-timeout", "30", "-H", "Expect: 100-continue"]
                var manners = [["--data-binary", "@\(body)"], ["--upload-file", body]]
                // HTTP/1.0 knows neither.
                if version != .http10 {
                    manners += [waiting + manners[0], ["-H", "Transfer-Encoding: chunked"] + manners[0]]
                }
                let curl = Curl(engine: pair.engine)
                let format = ["-w", "\n%{response_code}"]
                for manner in manners {
                    let options = [version.option, "-o", answer] + format + manner
                    let echo = try await curl.visit([Web.web.request("/echo", options)])
                    #expect(echo.exit == .status(0), "\(manner): \(echo.errors)")
                    #expect(echo.output == "\n200", "\(manner)")
                    #expect(try Digest(ofFile: answer) == content.digest, "\(manner)")
                }
                for manner in manners {
                    let options = [version.option] + format + manner
                    let refused = try await curl.visit([Web.web.request("/refused", options)])
                    #expect(refused.output == "too much\n413", "\(manner): \(refused.errors)")
                }
                guard version != .http10 else { return }
                let options = [version.option, "-w", "\n%{size_upload}"] + manners[2]
                let unsent = try await curl.visit([Web.web.request("/refused", options)])
                #expect(unsent.output == "too much\n0", "\(unsent.errors)")
            }
        }

        @Test("every request on one connection of curl is judged by itself", arguments: [Version.http11, .http2])
        func judgedAlone(in version: Version) async throws {
            let token = ["-H", "Authorization: Bearer \(ProcessEngine.token)"]
            let requests: [(place: Web, options: [String], facts: String)] = [
                (.locked, [], "401 1"),
                (.locked, token, "200 0"),
                (.locked, ["-H", "Authorization: Bearer wrong"], "401 0"),
                (.locked, ["-H", "Host: web.t.localhost"], "200 0"),
                (.locked, ["-H", "Host: nobody.t.localhost"], "404 0"),
                (.locked, ["-H", "Host: modern.t.localhost"], "421 0"),
                (.locked, token, "200 0"),
                (.locked, [], "401 0"),
            ]
            try await VisitorSite.with { pair in
                let answer = try await Curl(engine: pair.engine).visit(
                    requests.map { request in
                        let fixed = [version.option, "-o", "/dev/null", "-w", "%{response_code} %{num_connects}\n"]
                        return request.place.request("/hello", fixed + request.options)
                    }
                )
                #expect(answer.exit == .status(0), "\(answer.errors)")
                #expect(answer.output.split(separator: "\n").map(String.init) == requests.map(\.facts))
            }
        }

        // MARK: TLS

        @Test("a name that wants another TLS than the handshake had is answered with 421, and by itself served")
        func otherTLS() async throws {
            try await VisitorSite.with { pair in
                for version in [Version.http11, .http2] {
                    let old = [version.option, "-w", "%{response_code}", "-o", "/dev/null", "--tls-max", "1.2"]
                    for (place, options, exit, status) in [
                        (Web.web, old + ["-H", "Host: modern.t.localhost"], CInt(0), "421"),
                        (.web, old, 0, "200"),
                        // Of a handshake that fails.
                        (.modern, old, 35, "000"),
                        (.modern, Array(old.dropLast(2)), 0, "200"),
                    ] {
                        let answer = try await Curl(engine: pair.engine).visit([place.request("/hello", options)])
                        #expect(answer.exit == .status(exit), "\(options): \(answer.errors)")
                        #expect(answer.output == status, "\(options)")
                    }
                }
            }
        }

        @Test("the protocol is chosen from what a visitor of openssl offers; with none in common there is an alert")
        func alpn() async throws {
            try await VisitorSite.with { pair in
                for (offer, said) in [
                    (["-alpn", "h2"], "ALPN protocol: h2"),
                    (["-alpn", "http/1.1"], "ALPN protocol: http/1.1"),
                    (["-alpn", "http/1.1,h2"], "ALPN protocol: h2"),
                    ([], "No ALPN negotiated"),
                    (["-alpn", "foo"], "SSL alert number 120"),
                ] {
                    for place in Web.allCases {
                        let client = try await ProcessHandle.run(
                            try DebianProgram.openssl.path,
                            [
                                "s_client", "-connect", "127.0.0.1:\(pair.engine.port)", "-servername", place.hostname,
                                "-CAfile", pair.engine.caFile, "-verify_return_error",
                            ] + offer
                        )
                        let lines = client.output + client.errors
                        #expect(lines.contains { $0.contains(said) }, "\(place) \(offer): \(lines.suffix(15))")
                    }
                }
                let options = ["--no-alpn", "-w", "\n%{http_version} %{response_code}"]
                let answer = try await Curl(engine: pair.engine).visit([Web.web.request("/hello", options)])
                #expect(answer.output == "hello\n1.1 200", "\(answer.errors)")
            }
        }

        // MARK: Clients of Python

        @Test(
            "sessions, streams and ends of Python's HTTP clients, one of which ends without close_notify",
            arguments: ["requests", "httpx1", "httpx2", "urllib", "bare"]
        )
        func client(named name: String) async throws {
            try await VisitorSite.with { pair in
                try await Judge(engine: pair.engine).run("http_visitor.py", name, Web.web.hostname)
                try await pair.engine.wait { $0.relays == 0 && $0.waitingStreams == 0 }
                #expect(pair.daemon.complaints().isEmpty)
            }
        }

        @Test("a service that declines the upgrade is what a client of WebSocket hears")
        func declined() async throws {
            try await VisitorSite.with { pair in
                let judge = Judge(engine: pair.engine)
                let port = "\(pair.engine.port)"
                try await judge.run("websocket_client.py", Web.web.hostname, port, pair.engine.caFile, "declined")
            }
        }

        @Test("gRPC calls of every kind, and their errors, pass through a tunnel with h2c")
        func gRPC() async throws {
            try await Judge.server("grpc_service.py") { port in
                let line = VisitorSite.tunnel("grpc", to: "127.0.0.1:\(port)", ", http: { version: h2c }")
                try await VisitorSite.with(tunnels: [("grpc", line)]) { pair in
                    try await Judge(engine: pair.engine).run("grpc_visitor.py", "grpc.t.localhost")
                    try await pair.engine.wait { $0.relays == 0 && $0.waitingStreams == 0 }
                }
            }
        }

        // MARK: Many at once

        @Test("h2load gets every answer, whatever it and the service speak")
        func load() async throws {
            try await Pair.withFolder { folder in
                let sockets = (
                    old: "\(folder.path)/old.sock", new: "\(folder.path)/new.sock", tls: "\(folder.path)/tls.sock"
                )
                let certificate = try folder.write(ClientCertificate.certificate, to: "certificate.pem")
                let key = try folder.write(ClientCertificate.key, to: "key.pem")
                let arguments = try DebianProgram.nginx(
                    in: folder,
                    "service",
                    http: """
                            server {
                                listen unix:\(sockets.old);
                                listen unix:\(sockets.new) http2;
                                listen unix:\(sockets.tls) ssl http2;
                                ssl_certificate \(certificate);
                                ssl_certificate_key \(key);
                                location / { return 200 "$server_protocol"; }
                            }
                        """
                )
                let tunnels = [
                    ("old", sockets.old, ""), ("new", sockets.new, ", http: { version: h2c }"),
                    ("secret", sockets.tls, ", upstreamTLS: true"),
                ]
                .map { name, socket, terms in (name, VisitorSite.tunnel(name, to: "unix:\(socket)", terms)) }
                try await DebianProgram.nginx.serving(at: sockets.tls, arguments) {
                    try await VisitorSite.with(tunnels: tunnels) { pair in
                        for (name, spoken) in [("old", "HTTP/1.1"), ("new", "HTTP/2.0"), ("secret", "HTTP/2.0")] {
                            let place = "https://\(name).t.localhost:\(pair.engine.port)/"
                            let answer = try await Curl(engine: pair.engine).run("\(name).t.localhost")
                            #expect(answer == spoken)
                            for (version, options) in [("h2", []), ("http/1.1", ["--h1"])] {
                                let load = try await ProcessHandle.run(
                                    try DebianProgram.h2load.path,
                                    options + [
                                        "-n", "500", "-c", "4", "-m", "20",
                                        "--connect-to=127.0.0.1:\(pair.engine.port)", place,
                                    ],
                                    within: .seconds(300)
                                )
                                let wanted = "status codes: 500 2xx, 0 3xx, 0 4xx, 0 5xx"
                                #expect(load.output.contains(wanted), "\(name) \(version): \(load.output)")
                                #expect(load.output.contains("Application protocol: \(version)"))
                            }
                        }
                    }
                }
            }
        }

        // MARK: Reverse proxies

        @Test(
            "the requests that a reverse proxy sends on one connection are judged one by one",
            // Not every nginx speaks HTTP/2 to servers.
            arguments: [(DebianProgram.nginx, Version.http11), (.haproxy, .http11), (.haproxy, .http2)]
        )
        func behindProxy(_ proxy: DebianProgram, speaking version: Version) async throws {
            try await VisitorSite.with { pair in
                let socket = "\(pair.folder.path)/proxy.sock"
                let arguments =
                    proxy == .nginx
                    ? try Self.nginx(for: pair, at: socket) : try Self.haproxy(for: pair, at: socket, version)
                try await proxy.serving(at: socket, arguments) {
                    let (wanted, file) = ("\(pair.folder.path)/body", "\(pair.folder.path)/answer")
                    let content = Content(seed: 51, count: 1_000_003)
                    try content.write(to: wanted)
                    let token = ["-H", "Authorization: Bearer \(ProcessEngine.token)"]
                    let requests: [(path: String, options: [String], printed: String)] = [
                        ("/count", token, "1 locked.t.localhost\n200"),
                        ("/count", [], "A token is required.\n\n401"),
                        ("/count", token, "2 locked.t.localhost\n200"),
                        ("/count", ["-H", "Authorization: Bearer wrong"], "A token is required.\n\n401"),
                        // All of them came on one connection, as the service's own shows.
                        ("/count", token, "3 locked.t.localhost\n200"),
                        ("/echo", token + ["--data-binary", "@\(wanted)", "-o", file], "\n200"),
                        ("/chunks", token + ["-o", "/dev/null"], "\n200"),
                        ("/boundless", token + ["-o", "/dev/null"], "\n200"),
                        ("/empty", token, "\n204"),
                        ("/hello", token, "hello\n200"),
                    ]
                    for request in requests {
                        let fixed = ["--unix-socket", socket, "-w", "\n%{response_code}"]
                        let answer = try await Curl(engine: pair.engine).visit([
                            fixed + request.options + ["http://proxy\(request.path)"]
                        ])
                        #expect(answer.output == request.printed, "\(request.path): \(answer.errors)")
                    }
                    #expect(try Digest(ofFile: file) == content.digest)
                }
            }
        }

        private static func nginx(for pair: Pair, at socket: String) throws -> [String] {
            let host = Web.locked.hostname
            return try DebianProgram.nginx(
                in: pair.folder,
                "proxy",
                http: """
                        client_max_body_size 10m;
                        upstream edge {
                            server 127.0.0.1:\(pair.engine.port);
                            keepalive 1;
                        }
                        server {
                            listen unix:\(socket);
                            location / {
                                proxy_pass https://edge;
                                proxy_http_version 1.1;
                                proxy_set_header Host \(host);
                                proxy_set_header Connection "";
                                proxy_ssl_name \(host);
                                proxy_ssl_server_name on;
                                proxy_ssl_verify on;
                                proxy_ssl_trusted_certificate \(pair.engine.caFile);
                            }
                        }
                    """
            )
        }

        private static func haproxy(for pair: Pair, at socket: String, _ version: Version) throws -> [String] {
            let host = Web.locked.hostname
            let verifying = "ssl verify required ca-file \(pair.engine.caFile) sni str(\(host))"
            let spoken = version == .http2 ? "h2" : "http/1.1"
            return try DebianProgram.haproxy(
                in: pair.folder,
                at: socket,
                backend: """
                        http-request set-header Host \(host)
                        server edge 127.0.0.1:\(pair.engine.port) \(verifying) alpn \(spoken)
                    """
            )
        }
    }
}

extension VisitorSite.Place {
    /// One request of curl.
    fileprivate func request(_ path: String, _ options: [String] = []) -> [String] {
        options + ["https://\(hostname)\(path)"]
    }
}
